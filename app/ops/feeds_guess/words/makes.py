"""Makes of vehicles as headlines name them; `_` is a blank or a hyphen."""

from __future__ import annotations

MAKES = (
    "abarth|acura|aixam|alfa_romeo|alpine|alpina|aston_martin|audi|baic|bentley|bmw|bugatti|buick|byd|cadillac|changan"
    "|chery|chevrolet|chevy|chrysler|citroen|cupra|dacia|daewoo|daihatsu|datsun|dfsk|dodge|ds|exeed|ferrari|fiat|ford"
    "|geely|genesis|gmc|great_wall|gwm|haval|holden|honda|hongqi|hummer|hyundai|infiniti|isuzu|iveco|jac|jaecoo|jaguar"
    "|jeep|jetour|kia|lada|lamborghini|lancia|land_rover|range_rover|leapmotor|lexus|lincoln|lotus|lynk_&_co|mahindra"
    "|maruti_suzuki|maruti|maserati|maybach|mazda|mclaren|mercedes_benz|mercedes|mercury|mg|mini|mitsubishi|nissan"
    "|oldsmobile|omoda|opel|perodua|peugeot|plymouth|polestar|pontiac|porsche|proton|ram|renault|rivian|rolls_royce"
    "|rover|saab|saturn|scion|seat|skoda|smart|ssangyong|subaru|suzuki|tata|tesla|togg|toyota|uaz|vauxhall|vinfast"
    "|volkswagen|volvo|vw|xpeng|zeekr|лада|ваз|бмв|мерседес|тойота|хендай|хундай|киа|рено|шкода|фольксваген|ниссан"
    "|мазда|форд|ауди|トヨタ|ホンダ|日産|マツダ|スバル|スズキ|ダイハツ|三菱|レクサス|大众|丰田|本田|日产|奔驰|宝马|奥迪"
    "|别克|福特|现代|起亚|比亚迪|吉利|长安|哈弗|현대|기아|쉐보레|르노삼성|쌍용|제네시스|تويوتا|هيونداي|نيسان|فورد|كيا|هوندا"
    "|مرسيدس|شيفروليه"
)
