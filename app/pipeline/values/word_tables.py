"""What senders call the values of the enumerated fields, by language: data for `words`.

Sources: Google vehicle ads and listings, Meta automotive catalogue, schema.org Vehicle (names as in
`AllWheelDriveConfiguration`), mobile.de, and public files in English, German, Dutch, French, Spanish, Portuguese,
Italian, Norwegian, Swedish, Polish and Russian. A word that means two things somewhere (`El`, `Kombi` alone in
Norway, `Газ`, Mexico's `Estándar`) is left to the profile's own table.
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

TABLES: dict[str, dict[StrEnum, str]] = {
    "condition": {
        Condition.NEW: "n|newcondition|brand new|neu|neuwagen|neufahrzeug|nieuw|neuf|neuve|nuevo|novo|nuovo|ny|ny bil"
        "|nowy|nowe|новый|новая|0km",
        Condition.USED: "u|usedcondition|pre owned|preowned|second hand|foreign used|locally used|nigerian used"
        "|gebraucht|gebrauchtwagen|gebrauchtfahrzeug|jahreswagen|gebruikt|tweedehands|occasion|d'occasion|usado"
        "|seminovo|seminuevo|segunda mano|usato|brukt|bruktbil|begagnad|używany|używane|uzywany|uzywane|б у"
        "|с пробегом|подержанный",
        Condition.CPO: "certified|certified pre owned|certified used|cpo used|manufacturer certified",
        Condition.DEMO: "d|demonstrator|vorführfahrzeug|vorführwagen|ex demo|demobil",
        Condition.SALVAGE: "damagedcondition|damaged|unfall|unfallfahrzeug|uszkodzony",
    },
    "status": {
        ListingStatus.AVAILABLE: "in stock|instock|active|forecourt|for sale|on sale|1|true|beschikbaar|disponible"
        "|disponível|verfügbar|til salgs",
        ListingStatus.RESERVED: "pending|sale in progress|on hold|reserviert|gereserveerd|réservé|reservado|reservert"
        "|reserverad|zarezerwowany",
        ListingStatus.SOLD: "soldout|out of stock|outofstock|verkauft|verkocht|vendu|vendido|venduto|solgt|såld"
        "|sprzedany|sprzedane|продан|продано",
        ListingStatus.REMOVED: "not available|deleted|wastebin|inactive|discontinued",
    },
    "vehicle_type": {
        VehicleType.CAR: "car truck|passenger car|passenger|auto|pkw|voiture|carro|coche|turismo|suv|sedan"
        "|personenauto|personbil|osobowe|osobowy|легковой|легковые",
        VehicleType.VAN: "commercial van|cargo van|transporter|lcv|lieferwagen|kastenwagen|bestelwagen|bestelauto"
        "|varebil|dostawcze|dostawczy|furgoneta|utilitaire|фургон",
        VehicleType.TRUCK: "lorry|lkw|hgv|heavy truck|camion|camión|caminhão|vrachtwagen|lastebil|ciężarowe|ciężarowy"
        "|грузовик|грузовой",
        VehicleType.BUS: "coach|school bus|minibus|автобус",
        VehicleType.MOTORCYCLE: "motorbike|bike|motorrad|moto|scooter|motocykl|motocykle|motocicleta|мотоцикл",
        VehicleType.RV: "motorhome|camper|campervan|wohnmobil|recreational vehicle|camping car|bobil|autocaravana",
        VehicleType.OTHER: "boat|trailer|powersports",
    },
    "body_type": {
        BodyType.SEDAN: "saloon|limousine|berline|berlina|sedã|4 door sedan|4dr sedan|4d sedan|stufenheck|седан",
        BodyType.HATCHBACK: "hatch|supermini|small car|smallcar|kleinwagen|5 door hatchback|schrägheck|fließheck"
        "|liftback|citadine|kompakt|auta miejskie|auta małe|kombi 5 dørs|kombi 3 dørs|halvkombi|хэтчбек"
        "|хэтчбек 3 дв|хэтчбек 5 дв|лифтбек",
        BodyType.WAGON: "station wagon|estate|estate car|estatecar|kombi|combi|touring|break|perua|wagon 4 dr"
        "|stationwagen|stationwagon|stationcar|stasjonsvogn|familiar|familiare|универсал|универсал 5 дв",
        BodyType.SUV: "crossover|sport utility|sport utility vehicle|sports activity vehicle|4x4|geländewagen"
        "|offroad|off road|sports utility vehicle|terreinwagen|suv geländewagen|4x4 suv|todoterreno|fuoristrada"
        "|utilitário esportivo|terenowy|внедорожник|внедорожник 3 дв|внедорожник 5 дв|кроссовер",
        BodyType.COUPE: "coupé|cupé|sportscar|sports car|sportscar coupé|sportwagen|sportwagen coupé|supercar"
        "|grandtourer|grand tourer|купе",
        BodyType.CONVERTIBLE: "cabriolet|cabrio|roadster|spider|spyder|cabriolet roadster|cabrio roadster|conversível"
        "|descapotable|kabriolet|кабриолет|родстер",
        BodyType.MINIVAN: "mpv|mini van|people carrier|monospace|ludospace|monovolumen|monovolume|flerbruksbil"
        "|минивэн|компактвэн",
        BodyType.VAN: "full size van|cargo van|passenger van|panel van|minibus|bus|transporter|van minibus|van kleinbus"
        "|furgoneta|bestelwagen|фургон",
        BodyType.PICKUP: "truck|pick up|pickup truck|pick up truck|crew cab|crew cab pickup|extended cab pickup"
        "|regular cab|regular cab pickup|extended cab|quad cab|double cab|supercrew|picape|пикап",
        BodyType.OTHER: "othercar|andere|sonstige|overig|autre|otro|outro|inny|другой",
    },
    "fuel_type": {
        FuelType.PETROL: "gasoline|gas|unleaded|benzin|benzine|bensin|essence|gasolina|benzina|regular unleaded"
        "|premium unleaded|gasoline fuel|benzyna|super|super 95|benzin e10|бензин",
        FuelType.DIESEL: "diesel fuel|gazole|gasoil|gasóleo|diésel|gasolio|nafta diesel|turbo diesel|bio diesel"
        "|biodiesel|olej napędowy|дизель|дизельное",
        FuelType.HYBRID: "gasoline electric hybrid|gas electric hybrid|petrol electric|hybrid electric|mhev|hev"
        "|mild hybrid|petrol hybrid|diesel hybrid|gasoline hybrid|hybrid gasoline|hybrid petrol|hybrid diesel"
        "|diesel electric|gasoline mild electric hybrid|electric gasoline|electric diesel|elektro benzin"
        "|elektro diesel|elektro benzine|hybrid benzin|hybrid benzin elektro|hybrid diesel elektro|hybride benzine"
        "|hybride diesel|hybrid bensin|full hybrid|hybride|essence électrique|hibrido|híbrido|ibrida|ibrido|hybryda"
        "|elhybrid|гибрид",
        FuelType.PLUGIN_HYBRID: "plug in hybrid|plugin hybrid|phev|plug in hybrid gas|plug in gas electric hybrid"
        "|petrol plug in hybrid|diesel plug in hybrid|rechargeable hybrid|hybride rechargeable|plug in bensin"
        "|plug in diesel|híbrido enchufable|hybryda plug in|laddhybrid",
        FuelType.ELECTRIC: "ev|bev|battery electric|electricity|elektro|elektrisch|elektrisk|électrique|eléctrico"
        "|elétrico|elettrica|elettrico|elektryczny|электро|электричество",
        FuelType.LPG: "autogas|autogas lpg|gpl|glp|propane|liquefied petroleum gas|benzyna+lpg|benzyna lpg",
        FuelType.CNG: "natural gas|erdgas|erdgas cng|aardgas|metano|gnv|gnc|compressed natural gas|ngv|benzyna+cng",
        FuelType.FLEX: "flex fuel|flexible|flexible fuel|e85|ethanol|gasoline flex fuel|álcool e gasolina|total flex"
        "|bicombustível|bioéthanol|superéthanol e85",
        FuelType.HYDROGEN: "fuel cell|wasserstoff|hydrogen fuel cell|waterstof|hydrogène|hidrógeno|wodór|водород",
    },
    "transmission": {
        Transmission.MANUAL: "m|manual gear|manuell|schaltgetriebe|handschaltung|handgeschakeld|manuelle"
        "|boîte manuelle|mécanique|mecanico|mecánico|mechanical|manuale|manualna|stick|stick shift|5 speed manual"
        "|6 speed manual|механическая|механика|мкпп",
        Transmission.AUTOMATIC: "a|auto|automatic gear|automatik|automatikgetriebe|automaat|automatique"
        "|boîte automatique|automático|automatico|automatica|automática|automatisch|automatisk|automat|automatyczna"
        "|dual clutch|dct|dsg|автоматическая|автомат|акпп",
        Transmission.SEMI_AUTOMATIC: "semi auto|semiautomatic|halbautomatik|semi automaat|automated manual|amt"
        "|tiptronic|automatizado|semiautomático|semiautomatico|półautomatyczna|роботизированная|робот",
        Transmission.CVT: "continuously variable|variable|xtronic|ivt|e cvt|ecvt|bezstopniowa|вариатор",
    },
    "drivetrain": {
        Drivetrain.FWD: "frontwheeldriveconfiguration|front wheel drive|front wheel|front|traction|traction avant"
        "|vorderradantrieb|frontantrieb|voorwielaandrijving|forhjulsdrift|framhjulsdrift|delantera|dianteira"
        "|na przednie koła|przednie koła|передний|передний привод",
        Drivetrain.RWD: "rearwheeldriveconfiguration|rear wheel drive|rear wheel|rear|propulsion|heckantrieb"
        "|hinterradantrieb|achterwielaandrijving|bakhjulsdrift|trasera|traseira|na tylne koła|tylne koła|задний"
        "|задний привод",
        Drivetrain.AWD: "allwheeldriveconfiguration|all wheel drive|all wheel|xdrive|quattro|4matic|4motion|allrad"
        "|allradantrieb|intégrale|transmission intégrale|integral|na wszystkie koła|полный|полный привод",
        Drivetrain.FOUR_WD: "fourwheeldriveconfiguration|four wheel drive|4 wheel drive|4x4|four wd|4wd part time"
        "|vierwielaandrijving|firehjulsdrift|fyrhjulsdrift|quatre roues motrices|4 roues motrices|4x4 stały",
    },
    "seller_type": {
        SellerType.DEALER: "dealership|professional|professionnel|profesional|gewerblich|händler|firma|pro|trade"
        "|company|bedrijf|handelaar|concessionnaire|concesionario|concessionária|concessionario|loja|business"
        "|franchise|independent|forhandler|autoryzowany dealer|дилер|автосалон",
        SellerType.PRIVATE: "privat|von privat|particulier|particular|privato|private seller|owner|by owner|individual"
        "|person|osoba prywatna|prywatny|частник|частное лицо|собственник",
    },
}
"""By field and value: words, separated by `|`; case and the signs between words do not count."""
