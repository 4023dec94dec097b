import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes the lines of its input to a topic in one transaction, key, a tab and the value each. */
public class TransactionalProducer {
    /** Arguments: servers, topic, partition, transactional id, "commit" or "abort". */
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("transactional.id", args[3]);
        settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            producer.initTransactions();
            producer.beginTransaction();
            for (String line : new String(System.in.readAllBytes(), "UTF-8").lines().toList()) {
                String[] parts = line.split("\t", 2);
                producer.send(new ProducerRecord<>(args[1], Integer.valueOf(args[2]), parts[0], parts[1]));
            }
            producer.flush();
            if (args[4].equals("commit")) {
                producer.commitTransaction();
            } else {
                producer.abortTransaction();
            }
        }
    }
}
