"""People, places, things and dates that sentences are made of."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES: tuple[str, ...] = _words("""
Ana Maria John Mary Peter Paul Laura Emma Tom Lucy Alice Bob Carol David Eva Frank Grace Henry Irene Jack Karen Leo
Mia Nora Oscar Paula Quentin Rosa Sam Tina Ursula Victor Wendy Xavier Yara Zoe Adam Bella Carlos Diana Eric Fiona
George Hannah Ivan Julia Kevin Linda Martin Nina Oliver Petra Ralph Sarah Thomas Uma Vera Walter Yusuf Amir Beatrice
Chen Daniel Elena Felix Gina Hugo Ines James Kate Lars Marta Noah Olga Pablo Rita Simon Teresa Anton Boris Clara Dora
Emil Flora Greta Hans Ida Jonas Klara Lukas Magda Nils Otto Pia Robert Sofia Theo Viola Wilma Ahmed Aisha Akira Amina
Andre Anita Arthur Barbara Ben Bruno Camila Cecilia Charles Chloe Claire Cyrus Dana Deepak Dennis Derek Dylan Edith
Edward Ella Ellen Elsa Erin Esther Ethan Farid Fatima Fred Gabriel Gloria Harry Hassan Heidi Helen Ian Ibrahim Isaac
Isabel Jacob Jana Jane Jenny Joan Joe Jose Judith Kai Kim Kofi Layla Lea Lena Liam Lily Lisa Logan Louis Luis Luna
Mark Mateo Max Megan Michael Mila Mohamed Monica Nadia Naomi Nathan Nicole Omar Owen Patricia Pedro Philip Rachel
Rafael Raj Rania Ravi Rebecca Ricardo Richard Rosie Ruth Ryan Samira Sandra Sara Sasha Sebastian Sergei Silvia Stefan
Stella Susan Tamara Tara Tariq Tim Tobias Valerie Vincent Violet William Yuki Zara
""")

TOWNS: tuple[str, ...] = _words("""
Paris London Berlin Madrid Rome Vienna Oslo Lisbon Athens Dublin Prague Warsaw Boston Chicago Denver Dallas Miami
Seattle Houston Toronto Sydney Tokyo Delhi Cairo Lima Quito Bogota Havana Nairobi Lagos Accra Tunis Hamburg Munich
Cologne Leipzig Milan Naples Turin Venice Florence Lyon Nice Bordeaux Porto Seville Valencia Bilbao Geneva Zurich
Basel Ghent Bruges Antwerp Utrecht Leiden Bergen Malmo Uppsala Turku Riga Vilnius Tallinn Krakow Gdansk Brno Graz
Salzburg Zagreb Split Sofia Varna Izmir Bursa Tbilisi Baku Mumbai Chennai Pune Osaka Kyoto Nagoya Seoul Busan Manila
Hanoi Bangkok Jakarta Perth Brisbane Melbourne Auckland Oxford Cambridge Bristol Leeds Liverpool York Cardiff Belfast
Glasgow Aberdeen Cork Galway Limerick Ottawa Calgary Quebec Phoenix Portland Austin Memphis Atlanta
""")

ROOMS: tuple[str, ...] = _words("""
kitchen garden office school library park bathroom bedroom garage hotel station market museum shop church theatre
cinema hospital restaurant bakery forest stable barn cellar attic hallway classroom playground stadium airport harbour
factory farmhouse castle tower pharmacy bank gym zoo cafe
""")

THINGS: tuple[str, ...] = _words("""
book key ball phone letter cup hat lamp bag coat pen map ticket basket bottle box camera candle chair clock coin comb
cushion doll drum fork glove hammer jacket jar kite knife ladder mirror needle newspaper notebook painting pillow
plate radio ring rope ruler scarf shoe shovel spoon stamp suitcase sweater toy umbrella vase wallet whistle
""")

MONTHS: tuple[str, ...] = _words("""
January February March April May June July August September October November December
""")

WEEKDAYS: tuple[str, ...] = _words("""
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
""")

WORDS: tuple[str, ...] = _words("""
hello world apple banana orange lemon cherry grape peach melon tomato potato carrot onion garlic pepper butter cheese
bread flour sugar honey coffee water juice river mountain valley desert island ocean forest meadow garden flower rose
tulip daisy grass leaf tree branch root stone rock sand cloud storm thunder lightning rain snow wind summer winter
spring autumn morning evening night today tomorrow yesterday music guitar piano violin trumpet dance song picture
paint colour red blue green yellow purple white black brown silver golden happy sad angry calm brave clever gentle
honest kind lazy lucky modern noisy polite proud quick quiet rich shy simple smart strong sweet warm wild wise young
house window door table chair floor roof wall stairs bridge street road city village market station train plane ship
boat bicycle engine wheel doctor teacher farmer baker pilot sailor soldier writer singer artist student friend brother
sister mother father uncle cousin baby family people animal horse rabbit monkey tiger lion elephant giraffe camel
donkey sheep goat chicken turkey duck eagle parrot penguin snake turtle frog spider butterfly dolphin shark whale
paper pencil letter number question answer story poem language grammar science history physics biology chemistry
planet rocket galaxy computer keyboard screen button program network model token layer robot machine battery energy
light shadow fire smoke heart brain finger shoulder stomach money ticket journey holiday present party dinner
breakfast lunch kitchen bottle spoon plate knife blanket pillow mirror candle basket hammer ladder rope needle button
jacket sweater trousers glove scarf umbrella ready open closed early late always never please thanks welcome good bad
new old big small long short high low fast slow hot cold one two three four five six seven eight nine ten run walk
jump swim read write sing sleep dream build make take give find look listen learn teach think know help start stop
love peace freedom justice power magic secret treasure dragon castle prince princess wizard giant fairy stop warning
danger exit entrance private important urgent hurry wonderful beautiful fantastic
""")
