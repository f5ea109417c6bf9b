"""Names that can stand in each other's place, each with the forms that go with it."""

COUNTED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER_WORDS = {word: value for value, word in enumerate(COUNTED, start=2)}

# Given names that are no words, no places and seldom family names.
MEN = (
    *("Michael", "David", "Robert", "Daniel", "Matthew", "Steven", "Kevin", "Brian", "Edward", "Jeffrey"),
    *("Nicholas", "Eric", "Stephen", "Larry", "Benjamin", "Samuel", "Gregory", "Alexander", "Dennis", "Peter"),
)
WOMEN = (
    *("Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah", "Karen", "Nancy", "Lisa"),
    *("Margaret", "Sandra", "Kimberly", "Emily", "Donna", "Michelle", "Amanda", "Melissa", "Deborah", "Rebecca"),
)

# Countries, and what is of them; none with a name of several words or of two meanings.
PLACES = [
    *(("Syria", "Syrian"), ("Iraq", "Iraqi"), ("Iran", "Iranian"), ("Egypt", "Egyptian"), ("Libya", "Libyan")),
    *(("Kenya", "Kenyan"), ("Nigeria", "Nigerian"), ("Ethiopia", "Ethiopian"), ("Uganda", "Ugandan")),
    *(("Algeria", "Algerian"), ("Tunisia", "Tunisian"), ("Yemen", "Yemeni"), ("Lebanon", "Lebanese")),
    *(("Pakistan", "Pakistani"), ("India", "Indian"), ("Indonesia", "Indonesian"), ("Malaysia", "Malaysian")),
    *(("Vietnam", "Vietnamese"), ("Thailand", "Thai"), ("China", "Chinese"), ("Japan", "Japanese")),
    *(("Russia", "Russian"), ("Ukraine", "Ukrainian"), ("Poland", "Polish"), ("Germany", "German")),
    *(("France", "French"), ("Italy", "Italian"), ("Spain", "Spanish"), ("Portugal", "Portuguese")),
    *(("Greece", "Greek"), ("Sweden", "Swedish"), ("Norway", "Norwegian"), ("Denmark", "Danish")),
    *(("Hungary", "Hungarian"), ("Romania", "Romanian"), ("Bulgaria", "Bulgarian"), ("Serbia", "Serbian")),
    *(("Brazil", "Brazilian"), ("Argentina", "Argentine"), ("Chile", "Chilean"), ("Peru", "Peruvian")),
    *(("Colombia", "Colombian"), ("Venezuela", "Venezuelan"), ("Mexico", "Mexican"), ("Cuba", "Cuban")),
    *(("Canada", "Canadian"), ("Australia", "Australian")),
]

KINDS = ([(name,) for name in MEN], [(name,) for name in WOMEN], PLACES)
