"""First profiles for files whose columns are named in the languages of car markets; names are real"
", rows are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.guessed import Guessed

FILES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "swedish": (
        "Annons-ID;Märke;Modell;Bränsle;Växellåda;Miltal;Modellår;Biltyp;Pris;Ort\n"
        "9001;Volvo;V70;Diesel;Automat;14 500 mil;2010;Kombi;89 900 kr;Lund\n"
        "9002;Saab;9-3;Bensin;Manuell;Mer än 50 000;2005;Sedan;29 000 kr;Umeå\n"
        "9003;Tesla;Model S;El;Automat;8 200 mil;2018;Halvkombi;459 000 kr;Lund\n"
        "9004;Ford;Focus;Miljöbränsle/Hybrid;Manuell;9 000 mil;2009;Kombi;39 000 kr;Lund\n",
        {"source_listing_id": "Annons-ID", "make": "Märke", "model": "Modell", "year": "Modellår", "mileage": "Miltal",
         "price_amount": "Pris", "fuel_type": "Bränsle", "transmission": "Växellåda", "body_type": "Biltyp",
         "city": "Ort"},
        {"mileage_km": 145_000, "price_currency": "SEK", "country": "SE", "fuel_type": "diesel", "body_type": "wagon"},
    ),
    "norwegian": (
        "FINN-kode;Tittel;Merke;Modell;Årsmodell;Kilometerstand;Drivstoff;Girkasse;Hjuldrift;Effekt;Totalpris;Sted\n"
        "301200111;Leaf 40;Nissan;Leaf;2019;45 000 km;El;Automat;Forhjulsdrift;150 hk;139 000 kr;Oslo\n"
        "301200112;RAV4;Toyota;RAV4;2017;98 000 km;Bensin;Automat;Firehjulsdrift;197 hk;269 000 kr;Bergen\n",
        {"source_listing_id": "FINN-kode", "title": "Tittel", "year": "Årsmodell", "drivetrain": "Hjuldrift",
         "power_kw": "Effekt", "price_amount": "Totalpris", "city": "Sted"},
        {"fuel_type": "electric", "drivetrain": "fwd", "power_kw": 110, "price_currency": "NOK", "mileage_km": 45_000},
    ),
    "danish": (
        "Mærke;Model;Variant;Modelår;1. registrering;Kilometer;Brændstof;Gear type;Hestekræfter;Døre;Farve"
        ";Kontantpris\n"
        "Peugeot;208;VTi Active;2016;14-03-2016;112.000;Benzin;Manuel;82;5;Hvid;69.900 kr.\n"
        "Skoda;Octavia;TDi Style;2018;05-01-2018;145.000;Diesel;Automatisk;115;5;Grå;149.900 kr.\n",
        {"make": "Mærke", "trim": "Variant", "year": "Modelår", "first_registration": "1. registrering",
         "mileage": "Kilometer", "power_kw": "Hestekræfter", "doors": "Døre", "color_exterior": "Farve"},
        {"power_kw": 60, "mileage_km": 112_000, "first_registration": "2016-03", "price_currency": "DKK"},
    ),
    "finnish": (
        "Merkki;Malli;Vuosimalli;Mittarilukema;Käyttövoima;Vaihteisto;Vetotapa;Moottori;Teho;Hinta;Väri;Ovet;Linkki\n"
        "Toyota;Corolla;2019;9 500 km;Hybridi;Automaatti;Etuveto;1,8 l;90 kW;19 000 €;Punainen;5"
        ";https://x.fi/a/1208301\n"
        "VW;Polo;2016;98 000 km;Bensiini;Manuaali;Etuveto;1,2 l;66 kW;11 900 €;Musta;5;https://x.fi/a/1199148\n",
        {"make": "Merkki", "year": "Vuosimalli", "mileage": "Mittarilukema", "fuel_type": "Käyttövoima",
         "engine_cc": "Moottori", "power_kw": "Teho", "source_url": "Linkki", "doors": "Ovet"},
        {"fuel_type": "hybrid", "transmission": "automatic", "drivetrain": "fwd", "engine_cc": 1800, "country": "FI"},
    ),
    "dutch": (
        "Advertentienummer;Merk;Model;Uitvoering;Bouwjaar;Kilometerstand;Brandstof;Transmissie;Carrosserie"
        ";Vermogen (pk)"
        ";Kleur;Aantal deuren;Vraagprijs;Woonplaats\n"
        "m1;Opel;Corsa;Edition;2016;85.000 km;Benzine;Handgeschakeld;Hatchback;90;rood;5;€ 7.950;Zwolle\n"
        "m2;VW;Golf;TDI;2018;120.500 km;Diesel;Automaat;Stationwagen;150;grijs;5;€ 12.950;Breda\n",
        {"source_listing_id": "Advertentienummer", "make": "Merk", "trim": "Uitvoering", "year": "Bouwjaar",
         "power_kw": "Vermogen (pk)", "price_amount": "Vraagprijs", "doors": "Aantal deuren", "city": "Woonplaats"},
        {"power_kw": 66, "price_currency": "EUR", "transmission": "manual", "body_type": "hatchback"},
    ),
    "german": (
        "angebotsnr;marke;modell;baujahr;erstzulassung;kilometerstand;leistung_ps;hubraum;kraftstoff;getriebe;farbe"
        ";preis"
        ";waehrung;plz;anzahl_tueren;innenfarbe;eingestellt_am\n"
        "A4711;Opel;Corsa;2015;05/2015;78.500;90;1398;Benzin;Schaltgetriebe;Schwarz;7.490,00;EUR;10115;5;grau"
        ";02.03.2024\n"
        "A4712;VW;Golf;2016;07/2016;88.500;110;1598;Diesel;Automatik;Rot;9.490,00;EUR;20095;5;grau;03.03.2024\n",
        {"source_listing_id": "angebotsnr", "first_registration": "erstzulassung", "power_kw": "leistung_ps",
         "engine_cc": "hubraum", "price_currency": "waehrung", "postal_code": "plz", "doors": "anzahl_tueren",
         "color_interior": "innenfarbe", "listed_at": "eingestellt_am"},
        {"power_kw": 66, "price_amount": 7490.0, "listed_at": "2024-03-02T00:00:00Z", "mileage_km": 78_500},
    ),
    "french": (
        "Référence;Marque;Modèle;Version;Date 1ère mise en circulation;Kilométrage;Énergie;Boîte de vitesse"
        ";Puissance fiscale;Puissance DIN;Couleur extérieure;Prix TTC;Code postal;Ville;Type de vendeur\n"
        "E1101;RENAULT;CLIO;0.9 TCE;14/09/2017;62 300 km;Essence;Manuelle;5 CV;90 ch;Rouge;9 490 €;69003;Lyon"
        ";Professionnel\n"
        "E1102;PEUGEOT;3008;BLUEHDI;05/02/2019;88 900 km;Diesel;Automatique;6 CV;130 ch;Gris;19 990 €;33000;Bordeaux"
        ";Particulier\n",
        {"source_listing_id": "Référence", "power_kw": "Puissance DIN", "price_amount": "Prix TTC",
         "seller_type": "Type de vendeur", "transmission": "Boîte de vitesse", "fuel_type": "Énergie"},
        {"power_kw": 66, "first_registration": "2017-09", "year": 2017, "seller_type": "dealer", "city": "Lyon"},
    ),
    "italian": (
        "Marca;Modello;Anno;Immatricolazione;Chilometri;Carburante;Cambio;Cilindrata;Potenza;Colore;Prezzo;Comune\n"
        "Fiat;Panda;2014;06/2014;89.000 Km;Metano;Manuale;1248 cc;51 kW (69 CV);Bianco;6.500 €;Torino\n"
        "Fiat;Punto;2012;03/2012;99.000 Km;GPL;Automatico;1368 cc;57 kW (78 CV);Nero;4.900 €;Milano\n",
        {"first_registration": "Immatricolazione", "mileage": "Chilometri", "engine_cc": "Cilindrata",
         "city": "Comune"},
        {"fuel_type": "cng", "power_kw": 51, "engine_cc": 1248, "mileage_km": 89_000},
    ),
    "spanish": (
        "id anuncio,marca,modelo,versión,año,kilómetros,combustible,cambio,potencia,puertas,provincia,precio\n"
        "c91,SEAT,Ibiza,1.0 TSI,2018,45.300 km,Gasolina,Manual,95 CV,5,Madrid,11.900 €\n"
        "c92,Nissan,Qashqai,dCi,2016,98.000 km,Diésel,Automático,110 CV,5,Barcelona,14.500 €\n",
        {"source_listing_id": "id anuncio", "trim": "versión", "year": "año", "doors": "puertas",
         "region": "provincia"},
        {"power_kw": 70, "price_currency": "EUR", "fuel_type": "petrol"},
    ),
    "portuguese": (
        "Anunciante,Marca,Modelo,Versão,Combustível,Ano,Quilómetros,Cilindrada,Potência,Cor,Tipo de Caixa,Nº de portas"
        ",Lotação,Preço\n"
        "Profissional,Renault,Mégane,1.5 dCi,Diesel,2016,128 000 km,1 461 cm3,110 cv,Cinzento,Manual,5,5,11 950 EUR\n"
        "Particular,Nissan,Leaf,Tekna,Eléctrico,2019,45 000 km,,150 cv,Branco,Automática,5,5,16 750 EUR\n",
        {"seller_type": "Anunciante", "mileage": "Quilómetros", "transmission": "Tipo de Caixa",
         "doors": "Nº de portas",
         "seats": "Lotação"},
        {"seller_type": "dealer", "engine_cc": 1461, "power_kw": 81, "seats": 5},
    ),
    "romanian": (
        "Titlu,Marca,Model,An fabricatie,Km,Combustibil,Putere,Capacitate cilindrica,Cutie de viteze,Tractiune"
        ",Culoare,Pret"
        ",Oferit de,Localitate\n"
        "Duster,Dacia,Duster,2017,143 000 km,Diesel,110 CP,1 461 cm3,Manuala,4x4,Alb,11 200 EUR,Proprietar,Cluj\n"
        "Focus,Ford,Focus,2012,201 000 km,Benzina,105 CP,1 596 cm3,Automata,Fata,Gri,5 100 EUR,Firma,Iasi\n",
        {"year": "An fabricatie", "power_kw": "Putere", "engine_cc": "Capacitate cilindrica", "drivetrain": "Tractiune",
         "seller_type": "Oferit de", "city": "Localitate"},
        {"power_kw": 81, "seller_type": "private", "transmission": "manual", "drivetrain": "4wd", "country": "RO"},
    ),
    "polish": (
        "Numer oferty;Cena;Waluta;Stan;Marka_pojazdu;Model_pojazdu;Rok_produkcji;Przebieg_km;Moc_KM;Pojemnosc_cm3"
        ";Rodzaj_paliwa;Naped;Skrzynia_biegow;Typ_nadwozia;Liczba_drzwi;Kolor;Data_publikacji_oferty\n"
        "o7;12 900;EUR;Używany;Škoda;Octavia;2016;98000;150;1395;Benzyna;Na przednie koła;Automatyczna;Kombi;5;biały"
        ";04/05/2021\n"
        "o8;43500;PLN;Used;Opel;Astra;2014;185000.0;140.0;1968.0;Diesel;Front wheels;Manual;small_cars;5.0;black"
        ";05/05/2021\n",
        {"source_listing_id": "Numer oferty", "condition": "Stan", "make": "Marka_pojazdu", "model": "Model_pojazdu",
         "year": "Rok_produkcji", "mileage": "Przebieg_km", "power_kw": "Moc_KM", "engine_cc": "Pojemnosc_cm3",
         "listed_at": "Data_publikacji_oferty"},
        {"mileage_km": 98_000, "power_kw": 110, "engine_cc": 1395, "condition": "used", "drivetrain": "fwd",
         "listed_at": "2021-05-04T00:00:00Z", "price_currency": "EUR"},
    ),
    "czech": (
        "číslo inzerátu;značka;model;rok výroby;tachometr;palivo;převodovka;karoserie;barva;cena;měna;objem motoru"
        ";stav\n"
        "z1;Škoda;Fabia;2015;98500;benzín;manuální;kombi;bílá;179000;CZK;1197;ojeté\n"
        "z2;Hyundai;i30;2019;54100;nafta;automatická;hatchback;šedá;315000;CZK;1582;ojeté\n",
        {"make": "značka", "year": "rok výroby", "mileage": "tachometr", "engine_cc": "objem motoru",
         "condition": "stav"},
        {"fuel_type": "petrol", "transmission": "manual", "body_type": "wagon", "condition": "used", "country": "CZ"},
    ),
    "slovak": (
        "značka;model;rok výroby;najazdené km;palivo;prevodovka;karoséria;farba;cena;výkon kW\n"
        "Škoda;Fabia;2015;98500;benzín;manuálna;hatchback;biela;7 900 €;66\n"
        "Kia;Ceed;2019;54100;diesel;automatická;kombi;sivá;12 900 €;100\n",
        {"mileage": "najazdené km", "power_kw": "výkon kW", "color_exterior": "farba", "body_type": "karoséria"},
        {"mileage_km": 98_500, "power_kw": 66, "price_currency": "EUR"},
    ),
    "hungarian": (
        "Hirdetéskód;Gyártmány;Modell;Évjárat;Kilométeróra állása;Üzemanyag;Hengerűrtartalom;Teljesítmény;Kivitel"
        ";Sebességváltó;Szín;Ajtók száma;Vételár\n"
        "19876543;OPEL;ASTRA;2012/5;178 000 km;Benzin;1398 cm³;74 kW, 101 LE;Ferdehátú;Manuális;Ezüst;5;1 950 000 Ft\n"
        "19876545;BMW;320D;2014/11;220 000 km;Dízel;1995 cm³;135 kW, 184 LE;Kombi;Automata;Fekete;5;4 790 000 Ft\n",
        {"source_listing_id": "Hirdetéskód", "make": "Gyártmány", "year": "Évjárat", "mileage": "Kilométeróra állása",
         "body_type": "Kivitel", "doors": "Ajtók száma"},
        {"year": 2012, "power_kw": 74, "price_currency": "HUF", "body_type": "hatchback", "price_amount": 1_950_000.0},
    ),
    "serbian and croatian": (
        "Šifra oglasa;Marka;Model;Cijena;Godište;Gorivo;Kubikaža;Kilometraža;Pogon;Mjenjač;Broj sedišta;Boja\n"
        "24118801;Opel;Insignia;9.850 €;2014.;Dizel;1956 cm3;198.000 km;Prednji;Manuelni 6 brzina;5 sedišta;Siva\n"
        "24118807;Fiat;Punto;2.350 €;2009.;Benzin;1242 cm3;157.000 km;Prednji;Automatski;5 sedišta;Crvena\n",
        {"source_listing_id": "Šifra oglasa", "year": "Godište", "engine_cc": "Kubikaža", "seats": "Broj sedišta",
         "transmission": "Mjenjač"},
        {"year": 2014, "fuel_type": "diesel", "drivetrain": "fwd", "transmission": "manual", "seats": 5},
    ),
    "russian": (
        "ID объявления;Заголовок;Марка;Модель;Год выпуска;Пробег, км;Тип двигателя;Объем двигателя, л;Мощность, л.с."
        ";Коробка передач;Привод;Тип кузова;Цвет;Цена;Дата публикации\n"
        "2987001;Kia Rio;Kia;Rio;2017;89000;Бензин;1,6;123;Автомат;Передний;Седан;Белый;1150000;12.03.2024 10:15\n"
        "2987003;BMW X5;BMW;X5;2015;160000;Дизель;3,0;249;Механика;Полный;Внедорожник 5 дверей;Чёрный;3350000"
        ";28.02.2024 21:40\n",
        {"power_kw": "Мощность, л.с.", "engine_cc": "Объем двигателя, л", "mileage": "Пробег, км",
         "listed_at": "Дата публикации", "fuel_type": "Тип двигателя"},
        {"power_kw": 90, "engine_cc": 1600, "mileage_km": 89_000, "listed_at": "2024-03-12T10:15:00Z"},
    ),
    "ukrainian": (
        "Номер оголошення,Марка,Модель,Рік випуску,Пробіг,Паливо,Об'єм двигуна,Коробка передач,Привід,Колір"
        ",Ціна USD,Місто\n"
        "36500001,Renault,Megane,2013,195 тис. км,Дизель,1.5 л,Ручна / Механіка,Передній,Білий,8300,Львів\n"
        "36500002,Toyota,Camry,2018,88 тис. км,Бензин,2.5 л,Автомат,Передній,Чорний,21500,Київ\n",
        {"mileage": "Пробіг", "engine_cc": "Об'єм двигуна", "price_amount": "Ціна USD", "city": "Місто"},
        {"mileage_km": 195_000, "price_currency": "USD", "engine_cc": 1500, "country": "UA"},
    ),
    "bulgarian": (
        "Обява,Марка,Модел,Година,Пробег,Двигател,Мощност,Скоростна кутия,Цвят,Цена EUR,Регион\n"
        "11701,BMW,320,януари 2012 г.,215000 км,Дизелов,184 к.с.,Автоматична,Черен,10200,София\n"
        "11703,Audi,A4,юни 2016 г.,180000 км,Бензинов,150 к.с.,Ръчна,Бял,15300,Варна\n",
        {"source_listing_id": "Обява", "fuel_type": "Двигател", "transmission": "Скоростна кутия", "region": "Регион"},
        {"year": 2012, "power_kw": 135, "fuel_type": "diesel", "transmission": "automatic", "price_currency": "EUR"},
    ),
    "turkish": (
        "İlan No,Marka,Seri,Model,Yıl,Yakıt Tipi,Vites Tipi,Kilometre,Motor Gücü,Motor Hacmi,Çekiş,Renk,Kimden"
        ",Fiyat,İl\n"
        "31220011,Renault,Clio,1.5 dCi Joy,2016,Dizel,Düz,124.000,90 hp,1461 cm3,Önden Çekiş,Beyaz,Galeriden"
        ",785.000 TL,İzmir\n"
        "31220012,Fiat,Egea,1.4 Fire,2019,Benzin,Otomatik,88.500,95 hp,1368 cm3,Önden Çekiş,Gri,Sahibinden"
        ",690.000 TL,Ankara\n",
        {"source_listing_id": "İlan No", "model": "Seri", "year": "Yıl", "power_kw": "Motor Gücü",
         "engine_cc": "Motor Hacmi", "seller_type": "Kimden", "region": "İl"},
        {"model": "Clio", "transmission": "manual", "price_currency": "TRY", "seller_type": "dealer",
         "drivetrain": "fwd"},
    ),
    "greek": (
        "Κωδικός,Μάρκα,Μοντέλο,Χρονολογία,Χιλιόμετρα,Καύσιμο,Κυβικά,Ιπποδύναμη,Κιβώτιο,Χρώμα,Τιμή,Περιοχή\n"
        "3120001,Toyota,Yaris,2017,68.000,Βενζίνη,1.329,99,Χειροκίνητο,Λευκό,11.500 €,Αττική\n"
        "3120003,Peugeot,2008,2020,35.500,Πετρέλαιο,1.199,130,Αυτόματο,Μαύρο,17.800 €,Αττική\n",
        {"make": "Μάρκα", "year": "Χρονολογία", "mileage": "Χιλιόμετρα", "power_kw": "Ιπποδύναμη",
         "engine_cc": "Κυβικά"},
        {"power_kw": 73, "engine_cc": 1329, "fuel_type": "petrol", "transmission": "manual", "mileage_km": 68_000},
    ),
    "arabic": (
        "رقم الإعلان,الماركة,الموديل,سنة الصنع,السعر,المسافة المقطوعة,نوع الوقود,ناقل الحركة,اللون,المدينة\n"
        "90011,تويوتا,كامري,2019,78000 SAR,95000,بنزين,أوتوماتيك,أبيض,الرياض\n"
        "90013,فورد,رانجر,2020,88000 SAR,70000,ديزل,يدوي,رمادي,الدمام\n",
        {"source_listing_id": "رقم الإعلان", "make": "الماركة", "model": "الموديل", "year": "سنة الصنع",
         "price_amount": "السعر", "mileage": "المسافة المقطوعة", "city": "المدينة"},
        {"year": 2019, "fuel_type": "petrol", "transmission": "automatic", "price_currency": "SAR"},
    ),
    "hebrew": (
        "מספר מודעה,יצרן,דגם,שנה,קילומטראז',מחיר,צבע,עיר,תיבת הילוכים,נפח מנוע\n"
        "771001,Toyota,Corolla,2018,85000,78000,לבן,חיפה,אוטומטי,1598\n"
        "771003,Hyundai,i20,2019,64000,59000,אדום,ירושלים,ידני,1248\n",
        {"make": "יצרן", "model": "דגם", "year": "שנה", "price_amount": "מחיר", "engine_cc": "נפח מנוע"},
        {"transmission": "automatic", "mileage_km": 85_000, "price_currency": "ILS"},
    ),
    "japanese": (
        "物件番号,メーカー,車種,グレード,年式,走行距離,車両本体価格(万円),排気量,ミッション,ボディタイプ,カラー"
        ",都道府県\n"
        "AU5501,トヨタ,プリウス,1.8 S,2018(H30)年,5.2万km,175.0,1800cc,フロアCVT,セダン,ホワイト,北海道\n"
        "AU5503,スバル,レヴォーグ,1.6 GT,2015(H27)年,8.8万km,89.0,1600cc,CVT,ステーションワゴン,ブルー,大阪府\n",
        {"source_listing_id": "物件番号", "make": "メーカー", "model": "車種", "mileage": "走行距離",
         "region": "都道府県"},
        {"year": 2018, "mileage_km": 52_000, "price_amount": 1_750_000.0, "price_currency": "JPY", "engine_cc": 1800},
    ),
    "chinese": (
        "品牌,车系,车型,上牌时间,表显里程(万公里),价格(万元),变速箱,燃料类型,颜色,所在地\n"
        "大众,迈腾,2018款 280TSI,2018-04,6.2,12.8,自动,汽油,白色,北京\n"
        "比亚迪,秦,2020款 EV500,2020-01,3.1,8.2,自动,纯电动,银色,深圳\n",
        {"make": "品牌", "model": "车系", "first_registration": "上牌时间", "price_amount": "价格(万元)",
         "city": "所在地"},
        {"price_amount": 128_000.0, "price_currency": "CNY", "year": 2018, "fuel_type": "petrol"},
    ),
    "korean": (
        "매물번호,제조사,모델,연식,주행거리,연료,변속기,색상,가격(만원)\n"
        "39680325,현대,그랜저,2019,88010,가솔린,오토,검정,1790\n"
        "39670111,기아,쏘렌토,2021,45120,디젤,오토,흰색,2890\n",
        {"source_listing_id": "매물번호", "make": "제조사", "year": "연식", "mileage": "주행거리",
         "transmission": "변속기"},
        {"price_amount": 17_900_000.0, "price_currency": "KRW", "fuel_type": "petrol", "country": "KR"},
    ),
}  # fmt: skip
"""Language → a file, columns that are to be found, and what the first record is to say."""


@pytest.mark.parametrize("language", FILES)
def test_columns_and_words_of_a_language(language: str, tmp_path: Path) -> None:
    content, columns, document = FILES[language]
    found = Guessed(tmp_path, content.encode(), "stock.csv")
    assert {target: found.columns.get(target) for target in columns} == columns
    first = found.documents[0]
    assert {name: first.get(name) for name in document} == document
    assert found.check.indexed == found.check.read


def test_the_fiscal_power_of_french_cars_is_not_their_power(tmp_path: Path) -> None:
    found = Guessed(
        tmp_path,
        b"id;Marque;Mod\xc3\xa8le;Ann\xc3\xa9e;Puissance (CV)\na1;Renault;Clio;2017;5\na2;Peugeot;3008;2019;6\n",
        "s.csv",
    )
    assert "power_kw" not in found.columns


def test_chinese_odometers_in_ten_thousands_are_left(tmp_path: Path) -> None:
    found = Guessed(tmp_path, FILES["chinese"][0].encode(), "stock.csv")
    assert "mileage" not in found.columns


def test_words_of_two_meanings_are_doubted(tmp_path: Path) -> None:
    found = Guessed(tmp_path, FILES["swedish"][0].encode(), "stock.csv")
    assert "doubtful: El taken for electric" in found.doubts("fuel_type")
    assert [document["fuel_type"] for document in found.documents] == ["diesel", "petrol", "electric", "other"]
