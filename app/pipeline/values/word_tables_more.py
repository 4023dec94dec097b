"""What senders call the values of the enumerated fields, beyond the languages of `word_tables`: data for `words`.

Swedish, Danish, Finnish, Romanian, Czech, Slovak, Croatian and Serbian, Hungarian, Turkish, Greek, Ukrainian,
Bulgarian, Arabic, Hebrew, Japanese, Chinese and Korean; and what dealer systems and portals write in English and in
the languages of `word_tables`. The same holds as there: a word that means two things somewhere is in neither.
"""

from __future__ import annotations

from enum import StrEnum

from app.model.listing import (
    BodyType,
    Condition,
    Drivetrain,
    FuelType,
    ListingStatus,
    SellerType,
    Transmission,
    VehicleType,
)

MORE_TABLES: dict[str, dict[StrEnum, str]] = {
    "condition": {
        Condition.NEW: "factory new|new car|new vehicle|0 km|zero km|zero quilômetro|véhicule neuf|voiture neuve"
        "|nuova|nueva|nova|nov|noul|nový|nové|nová|novo vozilo|nové vozidlo|új|yeni|sıfır|uusi|nyt|nytt|ny bil"
        "|nieuwe auto|καινούριο|καινούργιο|новий|нов|ново|جديد|جديدة|חדש|新車|新车|全新|신차",
        Condition.USED: "used car|used vehicle|pre owned vehicle|véhicule d'occasion|voiture d'occasion|usada|usata"
        "|segunda mão|segundamano|rabljeno|rabljen|rabljeno vozilo|polovno|polovan|polovno vozilo|rulat"
        "|second hand auto|ojeté|ojetý|ojetá|jazdené|jazdený|použitý|použité|használt|ikinci el|2 el|käytetty|brugt"
        "|begagnat|begagnade|begagnad bil|brugt bil|μεταχειρισμένο|μεταχειρισμένα|вживаний|вживане|б в|употребяван"
        "|употребявана|употребяван автомобил|مستعمل|مستعملة|משומש|יד שנייה|中古車|中古|二手|二手车|中古车|중고"
        "|중고차",
        Condition.CPO: "certified preowned|manufacturer certified pre owned|certified pre owned vehicle",
        Condition.DEMO: "demo vehicle|demo car|vehículo de demostración|véhicule de démonstration|auto dimostrativa"
        "|předváděcí|predvádzacie|predvádzacie vozidlo|předváděcí vůz|demonstrační|testovací|demostración",
        Condition.SALVAGE: "accidented|accidenté|havarované|havarovaný|bourané|sérült|hasarlı|ağır hasarlı"
        "|uszkodzone|karambolirano|havarisan|avariat|битый|аварийный|не на ходу|accidentado|sinistrada|schadeauto"
        "|skadet|vaurioitunut",
    },
    "status": {
        ListingStatus.AVAILABLE: "available now|on lot|on the lot|in stock now|published|live|for sale now|vorhanden"
        "|disponibile|dostępny|dostępne|skladem|k dispozici|elérhető|disponibil|mevcut|saatavilla|till salu|til salg"
        "|в наличии",
        ListingStatus.RESERVED: "deposit taken|sale pending|under offer|prenotato|reservado pendiente|rezervat"
        "|rezervováno|rezervované|rezervirano|rezervisano|foglalt|rezerve|varattu|reserveret|забронировано|в резерве",
        ListingStatus.SOLD: "sold out|vendida|venduta|prodáno|predané|prodano|eladva|vândut|satıldı|myyty|solgt bil"
        "|πωλήθηκε|продадено",
        ListingStatus.REMOVED: "archived|expired|withdrawn|delisted|unpublished",
    },
    "vehicle_type": {
        VehicleType.CAR: "cars|automobile|automobil|personenkraftwagen|osobní|osobní vozy|osobné|osobné vozidlo"
        "|osobno vozilo|osobni automobili|autoturism|autoturisme|személyautó|otomobil|henkilöauto|επιβατικό|легкові"
        "|легковий|лек автомобил|سيارة|乗用車|乘用车|轿车|승용차|personenwagen|voiture particulière",
        VehicleType.VAN: "vans|užitkové|užitková|dostavno vozilo|kisteherautó|pakettiauto|autoutilitară|furgone"
        "|varevogn|skåpbil|transportbil|panelvan|商用車|商用车",
        VehicleType.TRUCK: "trucks|nákladní|nákladné|teretno vozilo|kamion|teherautó|kuorma auto|kamyon|lastbil"
        "|autocarro pesado|φορτηγό|вантажний|камион|トラック|货车|卡车",
        VehicleType.BUS: "buses|autobús|ônibus|autobus|autobuz|autóbusz|otobüs|linja auto|λεωφορείο|巴士|客车|バス",
        VehicleType.MOTORCYCLE: "motorcycles|motorcykel|moottoripyörä|motorkerékpár|motocicletă|motocikl|motosiklet"
        "|motorka|motocykly|motorkár|motocicletta|мотоциклет|μοτοσυκλέτα|オートバイ|摩托车",
        VehicleType.RV: "rv camper|obytné|obytný vůz|lakóautó|matkailuauto|asuntoauto|karavan rv|husbil|autocamper"
        "|autorulotă",
        VehicleType.OTHER: "trailers|boats|atv|utv",
    },
    "body_type": {
        BodyType.SEDAN: "sedans|4dr car|sedan 4 door|sedan 4 doors|4 door car|седан 4 дв|sedan limuzína|limuzína"
        "|limuzina|berlină|berlina 4 porte|limusine|limousine sedan|sedan saloon|saloon sedan|σεντάν|セダン|轿车"
        "|三厢|三厢车|세단|سيدان|سيدان صالون|limuzyna|sedan limuzyna|trojbox"
        "|4d sedan sedan|sedan 4 kapı|седан 4 двери|седан 4 дверей",
        BodyType.HATCHBACK: "hatchbacks|5dr hatchback|3dr hatchback|hatchback 5 door|hatchback 5 doors"
        "|hatchback 3 doors|4dr hatchback|2dr hatchback|small cars|city cars|city car|kleinwagen hatchback"
        "|kompaktowe|kompakt hatchback|utilitaria|utilitária|berlina 5 porte|berlina 2 volumi|viistoperä"
        "|halvkombi 5 dörrar|ferdehátú|kompaktlimousine|hečbek|hatchback 5|χάτσμπακ|хетчбек|хечбек|хетчбэк|лифтбек"
        "|ハッチバック|两厢|两厢车|해치백|هاتشباك|auta małe i miejskie"
        "|4d hatchback|2d hatchback|хэтчбек 5 дверей|хэтчбек 3 двери|лифтбек 5 дверей|citadino|hatchback 5 kapı"
        "|hatchback 3 kapı",
        BodyType.WAGON: "wagons|4dr wagon|sport wagon|sportwagon|combi wagon|kombi break|break combi|station"
        "|station car|station wagon sw|sw|farmari|farmár|stationsvogn|stationcar kombi|herrgårdsvagn|variant kombi"
        "|combi break|touring kombi|kombivagn|στέισον|универсал 5 дверей|универсал 5|універсал|комби"
        "|ステーションワゴン|旅行车|旅行版|왜건|ستيشن|perua sw|carrinha"
        "|4d wagon|station wagon 5 kapı",
        BodyType.SUV: "suvs|suv crossover|crossover suv|suv crossovers|sport utility suv|4dr suv|5dr suv|2dr suv"
        "|4 door suv|suv 4x4|suv offroad|suv terenac|terenac|terénní|terénne|suv off road|terepjáró|városi terepjáró"
        "|maasturi|maasturi suv|arazi|arazi suv pickup|jeep|teren|suv todoterreno|todoterreno suv|4x4 suv crossover"
        "|suv 4x4 crossover|4x4 suv 4x4|suv fuoristrada|fuoristrada suv|suv fuoristrada pick up|jipe|suv tt"
        "|terrängbil|джип|позашляховик|позашляховик кроссовер|кросовер|внедорожник 5|suv klasa|τζιπ|越野车|越野"
        "|城市suv|suv越野车|クロスカントリー|クロカン・suv|suv・クロカン|دفع رباعي|جيب"
        "|városi terepjáró crossover|4d sport utility|2d sport utility|внедорожник 5 дверей|внедорожник 3 двери"
        "|внедорожник открытый",
        BodyType.COUPE: "2dr car|2dr coupe|coupe 2 door|coupe 2 doors|kupe|kupé|cupê|купе 2|coupe coupé|coupé coupe"
        "|coupe sport|coupé sportwagen|sportkocsi kupé|κουπέ|クーペ|双门轿跑|轿跑|쿠페|كوبيه"
        "|2d coupe|купе 2 двери",
        BodyType.CONVERTIBLE: "convertibles|2dr convertible|soft top convertible|convertible roadster"
        "|cabrio cabriolet|kabrio|kabrió|spyder cabrio|cabriolet cabrio|descapotable convertible|decapotabilă"
        "|avoauto|cabriolé|decapotabil|roadster cabrio|καμπριολέ|кабріолет|кабрио|オープンカー|敞篷|敞篷车|敞篷跑车"
        "|컨버터블|كشف|مكشوفة"
        "|2d convertible",
        BodyType.MINIVAN: "minivans|minibus mpv|mpv van|mini mpv|jednoprostorový|vícemístný|viacmiestne|monovolum"
        "|egyterű|tila auto|kompaktvan|monospace mpv|monovolume mpv|minivan van|мінівен|миниван|μονόχωρο|ミニバン"
        "|ミニバン・1box|商务车|mpv商务车|minivan mpv|미니밴|ميني فان|monocab|van monovolume",
        BodyType.VAN: "vans|cargo|cargo vans|full size passenger van|full size cargo van|furgón|furgao|furgão"
        "|fourgon|fourgonnette|kastenwagen|kleinbus|dodávka|dubbele cabine bestel|skåp|varebil kassevogn|pakettiauto"
        "|panelvan van|фургон пассажирский|микроавтобус|мікроавтобус|бус|バン|面包车|밴"
        "|4d passenger van|4d cargo van|3d cargo van",
        BodyType.PICKUP: "pickups|trucks|pickup trucks|crew cab pickup standard bed|crew cab pickup short bed"
        "|extended cab|super cab|supercab|mega cab|double cab pickup|single cab|king cab|crew max|crewmax|access cab"
        "|cabine dupla|pick up truck|doble cabina|pikap|pikup|platform pickup|пикап двойная кабина|пікап|αγροτικό"
        "|ピックアップ|ピックアップトラック|皮卡|픽업|بيك اب|بيك أب|flak pickup"
        "|4d crew cab|4d extended cab|4d double cab|4d crewmax|4d supercrew|4d quad cab|4d king cab|2d regular cab",
        BodyType.OTHER: "others|other body|egyéb|jiné|iné|ostalo|ostatní|diğer|muu|muut|annan|altele|άλλο|інше"
        "|другое",
    },
    "fuel_type": {
        FuelType.PETROL: "petrol fuel|unleaded fuel|premium unleaded required|premium unleaded recommended"
        "|regular unleaded fuel|gasoline unleaded|gas unleaded|unleaded gasoline|gasoline gas|gas gasoline"
        "|unleaded regular|unleaded premium|benzín|benzină|benzinski|benzinas|bensiini|benzyna bezołowiowa|bensin e5"
        "|benzin super|super 98|super plus|essence sans plomb|essence sp95|sans plomb|gasolina 95|gasolina premium"
        "|nafta super|βενζίνη|βενζινη|аи 95|аи 92|бензиновый|бензиновий|بنزين|בנזין|ガソリン|レギュラー|ハイオク"
        "|汽油|92号|95号|휘발유|가솔린"
        "|бензинов",
        FuelType.DIESEL: "dizel|dízel|motorină|motorina|nafta motorová|diesel particulate|diesel tdi|gas oil"
        "|gasóleo diesel|diesel fuel oil|diesel motor|dieselmotor|turbodiesel|bio diesel b20|πετρέλαιο|πετρελαιο"
        "|дизельный|дизельний|дизел|дизельне|ديزل|דיזל|ディーゼル|軽油|柴油|경유|디젤"
        "|дизелов",
        FuelType.HYBRID: "hybrids|gas hybrid|hybrid gas|hybrid fuel|full hybrid electric|self charging hybrid"
        "|full hybrid petrol|hybrid electric vehicle|hybrid petrol electric|hybrid diesel electric"
        "|petrol electric hybrid|petrol hybrid electric|diesel electric hybrid|diesel hybrid electric"
        "|petrol mild hybrid|diesel mild hybrid|mild hybrid petrol|mild hybrid diesel|mild hybrid electric"
        "|hybrid el bensin|el hybrid|hybrid el diesel|el bensin|el diesel|bensin el|diesel el|bensin hybrid"
        "|hybridbil|hybridi|bensiini hybridi|hybridi bensiini|hybride essence électrique|hybride non rechargeable"
        "|hybride diesel électrique|hybride essence|mhev essence|elettrica benzina|elettrica diesel|ibrida benzina"
        "|ibrida elettrica benzina|mild hybrid benzina|híbrido gasolina|híbrido diesel|híbrido gasolina eléctrico"
        "|híbrido elétrico|híbrido hev|hybryda benzyna|hybrydowy|hybrydowe|hybrid benzín|hybridní|hybridné|hybridni"
        "|hybridni pogon|hibrid|hibrid benzin|hibrid dízel|hibrid diesel|hibrid benzin elektro|hibridni|hibrit"
        "|hibrid benzină|benzin hibrit|benzin hibrid|υβριδικό|υβριδικά|υβριδικό βενζίνη|υβριδικό πετρέλαιο|гибридный"
        "|гібрид|гібридний|хибрид|бензин гибрид|هجين|هايبرد|היברידי|ハイブリッド|混动|油电混合|混合动力|油電混合"
        "|하이브리드|가솔린 하이브리드|gasoline hybrid hev"
        "|хибриден|benzin elektromos|benzin elektromos hibrid|hybridi bensiini sähkö|hybridi diesel sähkö"
        "|dízel elektromos",
        FuelType.PLUGIN_HYBRID: "plug in|plugin|plug in hybrid electric|plug in hybrid petrol|plug in hybrid diesel"
        "|plug in hybrid electric vehicle|phev petrol|phev diesel|petrol phev|electric plug in hybrid"
        "|electric and gas hybrid|laddhybrid bensin|laddhybrid diesel|plug in hybrid bensin|hybrid plug in"
        "|plug in hybrid benzin|plug in hybride|hybride plug in|hybride rechargeable essence"
        "|hybride essence rechargeable|ibrida plug in|plug in hybrid benzina|híbrido plug in"
        "|híbrido enchufable gasolina|hybryda typu plug in|hybrid plugin|hibrid plug in|plug in hibrid"
        "|plug in hybridi|ladattava hybridi|lataushybridi|plug in hibrit|гибрид plug in|подключаемый гибрид"
        "|プラグインハイブリッド|插电混动|插电式混合动力|插电式混动|플러그인 하이브리드",
        FuelType.ELECTRIC: "electric fuel system|electric vehicle|fully electric|all electric|pure electric|battery"
        "|battery electric vehicle|elbil|sähkö|elektřina|elektro bev|elektromos|elektrický|elektrické|elektrická"
        "|elektrik|elektrikli|elektrina|električni|električno|electrică|100 électrique|100 eléctrico|électricité"
        "|elettricità|eletricidade|eletrico|100 elektrisch|elektrisk bil|ηλεκτρικό|ηλεκτρικο|электрический|електро"
        "|електричний|електрически|электромобиль|كهرباء|كهربائي|חשמלי|電気|電気自動車|ev電気自動車|纯电动|电动|纯电"
        "|電動|전기"
        "|електрически",
        FuelType.LPG: "lpg gas|lpg autogas|benzin lpg|benzín lpg|benzin autogas lpg|gas lpg|lpg benzine|petrol lpg"
        "|gasoline lpg|essence gpl|benzina gpl|gpl benzina|benzină gpl|benzină + gpl|benzina + gpl|lpg benzin"
        "|lpg & benzin|benzin & lpg|benzin gáz|benzin + gas|benzin + gas lpg|benzín + lpg|benzin plin"
        "|benzin + plin tng|gaz benzină|υγραέριο lpg|υγραέριο|autogas lpg gpl|газ пропан бутан|пропан бутан"
        "|газ пропан бутан бензин|бензин lpg|lpガス|液化石油气|lpi|가스|gasolina gpl|gpl gasolina|glp gasolina"
        "|gasolina glp|lpg 일반인 구입",
        FuelType.CNG: "cng gas|petrol cng|cng petrol|cng hybrids|benzín cng|benzin cng|benzin + metan cng|metan"
        "|metán|zemní plyn|földgáz|fordonsgas|biogas|maakaasu|bensin gas|benzina metano|metano benzina|gas natural"
        "|gas natural vehicular|gás natural|φυσικό αέριο cng|φυσικό αέριο|газ метан|метан|метан бензин"
        "|газ метан бензин|天然气|天然ガス|cng天然气|erdgas benzin",
        FuelType.FLEX: "flexfuel|flex fuel vehicle|flex fuel unleaded e85|flex fuel premium unleaded required e85"
        "|flex fuel premium unleaded recommended e85|e85 flex fuel|gasoline e85|gas ethanol|etanol|etanol bensin"
        "|bensin etanol|e85 bensin|flexifuel|gasolina e alcool|gasolina álcool|álcool gasolina|gasolina e etanol"
        "|etanol e gasolina|flex gasolina|essence bioéthanol|essence e85|bio éthanol e85|gasolina flex"
        "|gas ethanol flex|bivalent ethanol",
        FuelType.HYDROGEN: "hydrogen fuel|hydrogène pile à combustible|vodík|vodik|hidrogén|hidrojen|vety|vätgas"
        "|brint|idrogeno|hidrogênio|hidrogénio|υδρογόνο|водень|водород|水素|氢|氢燃料|수소",
        FuelType.OTHER: "others|other fuel|miljöbränsle|miljöbränsle hybrid|multifuel|bifuel|annat|andet|annet|muu"
        "|sonstige|andere|overig|autre|otro|otros|outro|altro|inne|inny|jiné|iné|ostalo|egyéb|diğer|altele|άλλο"
        "|другое|інше|друго",
    },
    "transmission": {
        Transmission.MANUAL: "manual transmission|manual gearbox|5spd manual|6spd manual|manuell schaltung"
        "|schaltgetriebe 5 gang|schaltgetriebe 6 gang|manuaalinen|käsivalinta|manuaali|manuální|manuálna|manuálny"
        "|manuální převodovka|manuálna prevodovka|ručni|ručni mjenjač|mehanički|mehanički mjenjač|mehanički menjač"
        "|manuelni|manuelni 5 brzina|manuelni 6 brzina|manuelni 5|manuelni 6|mechanikus|manuális"
        "|manuális 5 fokozatú sebességváltó|manuális 6 fokozatú sebességváltó|manuala|manuală|manuel|düz|düz vites"
        "|mécanique manuelle|bvm|bvm5|bvm6|boîte mécanique|manual 5 velocidades|manual 6 velocidades|χειροκίνητο"
        "|χειροκίνητος|механіка|ручна механіка|ручная|ручна|ручна скоростна кутия|ръчна|ръчни|механическая мкпп"
        "|механика мкпп|механічна|mt|5mt|6mt|manual mt|يدوي|عادي|قير عادي|مانيوال|ידני|ידנית|マニュアル|手動|手动"
        "|手动挡|手排|수동|manueel|mecânica|mecânico|mecánica|manuális váltó",
        Transmission.AUTOMATIC: "automatic transmission|automatic gearbox|auto transmission|at|6at|7at|8at|9at|10at"
        "|automatic at|automático tiptronic|automat tiptronic|automaatti|automaattivaihteisto|automatiska"
        "|automatgear|automatgir|automatlåda|automatická|automatický|automatická převodovka|automatska|automatski"
        "|automatski mjenjač|automatski menjač|automata|automata váltó|automatikus|automată|automatizată|otomatik"
        "|boîte auto|bva|bva6|bva8|automatique bva|eat8|edc|automatikgetriebe dsg|automatik dsg|automatic dct"
        "|automatic dsg|dual clutch automatic|7 speed dsg|pdk|s tronic|stronic|powershift|dvojitá spojka|αυτόματο"
        "|αυτόματος|автоматична|автоматик|автоматическая акпп|автомат акпп|أوتوماتيك|اوتوماتيك|اتوماتيك"
        "|قير اوتوماتيك|אוטומטי|אוטומטית|オートマ|オートマチック|自動|自动|自动挡|自排|手自一体|双离合|自手排|오토"
        "|자동|automatica dsg|steptronic|g tronic",
        Transmission.SEMI_AUTOMATIC: "semi automatic transmission|automated manual transmission|automatizovaná"
        "|poloautomatska|poloautomatski|poluautomatski|poluautomatska|félautomata|semiautomată|semi automată"
        "|yarı otomatik|puoliautomaatti|halvautomat|semiautomatisch|semi automatique|bvr|robotisée|robotizada"
        "|robotizzato|robotizado|sequenziale|séquentielle|ημιαυτόματο|робот ркпп|роботизована|напівавтомат"
        "|напівавтоматична|полуавтоматична|полуавтомат|типтронік|セミオートマ|半自动|반자동|semiautomatica"
        "|semiautomática|automatizada",
        Transmission.CVT: "cvt transmission|automatic cvt|cvt automatic|xtronic cvt|lineartronic|variátor|variator"
        "|variatore|fokozatmentes automata|fokozatmentes|bezstupňová|varyatör|вариаторная|варіатор|вариатор cvt"
        "|無段変速|インパネcvt|フロアcvt|无级变速|无级|cvt无级变速|무단변속|سي في تي",
    },
    "drivetrain": {
        Drivetrain.FWD: "front wheel drive fwd|fwd front wheel drive|front wheels|front drive|two wheel drive front"
        "|2wd front|4x2 front|framhjul|framhjulsdriven|framdrift|forhjul|forhjulstræk|forhjulstrekk|fremhjul|etuveto"
        "|etuvetoinen|etupyöräveto|přední|predný|predný náhon|pohon předních kol|přední náhon|prednji|prednji pogon"
        "|pogon prednji|elsőkerék|első kerék|elsőkerék hajtás|első|față|tracțiune față|fata|önden çekiş|önden"
        "|anteriore|trazione anteriore|tracción delantera|tracción dianteira|tração dianteira|tração à frente"
        "|roues avant|roues motrices avant|avant|voorwielen|voor|vorderrad|front 4x2|προσθιοκίνητο|προσθιοκίνηση"
        "|μπροστινή|передній|предно|предно предаване|предно задвижване|دفع أمامي|امامي|أمامي|前輪駆動|前驱|前轮驱动"
        "|ff|前置前驱|전륜|전륜구동|napęd przedni|przedni",
        Drivetrain.RWD: "rear wheel drive rwd|rwd rear wheel drive|rear wheels|rear drive|bakhjul|bakhjulsdriven"
        "|bakdrift|baghjul|baghjulstræk|bakhjulstrekk|takaveto|takavetoinen|takapyöräveto|zadní|zadný|zadný náhon"
        "|pohon zadních kol|zadní náhon|zadnji|zadnji pogon|pogon zadnji|hátsókerék|hátsó kerék|hátsókerék hajtás"
        "|hátsó|spate|tracțiune spate|arkadan itiş|arkadan|posteriore|trazione posteriore|tracción trasera"
        "|tração traseira|roues arrière|arrière|achterwielen|achter|hinterrad|οπισθοκίνητο|πισωκίνητο|πισωκίνηση"
        "|πίσω|задній|задно|задно предаване|задно задвижване|دفع خلفي|خلفي|後輪駆動|后驱|后轮驱动|fr|前置后驱|후륜"
        "|후륜구동|napęd tylny|tylny",
        Drivetrain.AWD: "all wheel drive awd|awd all wheel drive|all wheels|all wheel|htrac|sh awd|xdrive awd"
        "|dual motor awd|całkowity|nelikveto|integrale|trazione integrale|tração integral|tracción integral"
        "|tracción total|tração total|integrală|összkerékhajtás|összkerék|összkerekes|všech kol|pohon všech kol"
        "|sva četiri kotača|повний|повний привід|全輪駆動|四輪駆動|全驱|全时四驱|适时四驱|상시4륜|사륜|네바퀴굴림"
        "|دفع كلي",
        Drivetrain.FOUR_WD: "four wheel drive 4wd|4wd four wheel drive|4 wheel|4wd full time|4wd part time"
        "|part time 4wd|4hjulstrekk|fyrhjul|fyrhjulsdriven|firehjul|firehjulstræk|firehjulstrekk|neliveto"
        "|nelivetoinen|4 hjulsdrift|4x4 dołączany automatycznie|4x4 dołączany ręcznie|4x4 stały napęd"
        "|4x4 na čtyři kola|4x4 pohon|4x4 náhon|pogon 4x4|4x4 sürekli|4x4 stalni|4x4 na zahtjev|4x4 automat"
        "|4x4 manual|4çeker|4 çeker|negykerékhajtás|4x4 permanent|4 roues|4 ruote motrici|quattro ruote motrici"
        "|tracción 4x4|tração 4x4|4x4 vierwiel|4 wiel|vierrad|vierradantrieb|τετρακίνητο|τετρακίνηση 4x4"
        "|четири по четири|4wd四輪駆動|四驱|四轮驱动|分时四驱|4륜|4륜구동|دفع رباعي 4x4",
    },
    "seller_type": {
        SellerType.DEALER: "dealers|auto dealer|car dealer|used car dealer|new car dealer"
        "|dealership certified pre owned|trade seller|commercial|franchised|independent dealer|franchise dealer"
        "|autohändler|vom händler|händler gewerblich|gewerblicher anbieter|autobedrijf|dealer bedrijf"
        "|vendeur professionnel|garage|negoziante|rivenditore|concessionaria|autosalone|tienda|empresa|agencia"
        "|concesionaria|lojista|revenda|revendedor|stand|empresa profissional|profissional|firmy|firmie|salon|komis"
        "|dealer samochodowy|bilfirma|bilhandlare|företag|handlare|återförsäljare|bilforhandler|merkeforhandler"
        "|forhandler|liike|autoliike|autobazar|autobazár|prodejce|prodejna|trgovac|auto kuća|tvrtka|kereskedő"
        "|kereskedés|galeriden|galeri|yetkili bayiden|yetkili bayi|bayi|firmă|persoană juridică|έμπορος|επιχείρηση"
        "|επαγγελματίας|компания|автодилер|салон|компанія|автокъща|фирма|معرض|وكالة|تاجر|販売店|ディーラー|商家|车商"
        "|딜러",
        SellerType.PRIVATE: "private party|private individual|individual seller|by private party|private sale"
        "|for sale by owner|fsbo|privatperson|privatanbieter|privat anbieter|privatverkauf|particuliere verkoper"
        "|particulier vendeur|vendeur particulier|pessoa|pessoa física|particulares|proprietário|dueño"
        "|dueño vehículo|privati|privata|privato venditore|od osoby prywatnej|osoby prywatnej|soukromá osoba"
        "|soukromý|soukromník|súkromná osoba|súkromný|privatna osoba|fizička osoba|fizičko lice|privatno|vlasnik"
        "|magánszemély|magánhirdető|sahibinden|sahibinden satılık|persoană fizică|proprietar|persoana fizica"
        "|yksityinen|yksityishenkilö|privat säljare|privatannons|privat sælger|privat selger|ιδιώτης|приватна особа"
        "|частно лице|владелец|فرد|مالك|個人|个人|개인",
    },
}  # fmt: skip
"""As `word_tables.TABLES`."""
