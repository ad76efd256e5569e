"""The words that generated rows are built from."""

from typing import NamedTuple

FIRST_NAMES = (
    "Ada", "Amara", "Anders", "Beatriz", "Chloé", "Daniel", "Elif", "Emma", "Farid", "Grace", "Hana", "Ingrid",
    "Isaac", "Jamal", "Jan", "Kenji", "Lars", "Leila", "Lucía", "Magnus", "Marta", "Mateo", "Mei", "Nadia", "Noah",
    "Olga", "Oliver", "Priya", "Rafael", "Rosa", "Samuel", "Saoirse", "Sofia", "Søren", "Tariq", "Tomás", "Uma",
    "Victor", "Yuki", "Zofia",
)  # fmt: skip

LAST_NAMES = (
    "Abara", "Andersen", "Bauer", "Becker", "Brown", "Castillo", "Chen", "Costa", "Dubois", "Eriksson", "Fischer",
    "García", "Haddad", "Hughes", "Ivanova", "Jensen", "Johnson", "Kaya", "Kim", "Kowalski", "Lindqvist", "Lopez",
    "Martin", "Moreau", "Müller", "Nakamura", "Novak", "O'Brien", "Okafor", "Olsen", "Patel", "Petrov", "Rossi",
    "Schmidt", "Silva", "Singh", "Tanaka", "van den Berg", "Walsh", "Zhang",
)  # fmt: skip

UNUSUAL_NAMES = (
    ("Zoë 🌱", "Þórsdóttir"),
    ("李", "小龙"),
    ("Оксана", "Шевченко"),
    ("محمد", "الأمين"),
    ("X Æ", "A-12 🚀"),
)

COMPANY_FIRST_WORDS = (
    "Amber", "Arctic", "Atlas", "Blue", "Bright", "Cedar", "Cobalt", "Copper", "Coral", "Crescent", "Delta", "Echo",
    "Ember", "Falcon", "Fern", "Golden", "Granite", "Harbor", "Helio", "Indigo", "Ivory", "Juniper", "Lumen", "Maple",
    "Meridian", "Nimbus", "North", "Nova", "Oak", "Onyx", "Orbit", "Pine", "Quartz", "River", "Sable", "Silver",
    "Solar", "Summit", "Tidal", "Vertex", "Willow", "Zephyr",
)  # fmt: skip

COMPANY_SECOND_WORDS = (
    "Analytics", "Bank", "Biotech", "Capital", "Care", "Chemicals", "Cloud", "Commerce", "Data", "Dynamics", "Energy",
    "Farms", "Finance", "Foods", "Forge", "Foundry", "Games", "Health", "Industries", "Insights", "Labs", "Logistics",
    "Media", "Mobility", "Motors", "Networks", "Optics", "Partners", "Pharma", "Robotics", "Security", "Semiconductors",
    "Software", "Space", "Studios", "Systems", "Therapeutics", "Ventures", "Water", "Works", "Yards",
)  # fmt: skip

COMPANY_SUFFIXES = (
    "",
    "",
    "",
    " Inc.",
    " GmbH",
    " Ltd",
    " & Co.",
    " Holdings",
    " 🚀",
    " Société Générale",
    " 株式会社",
)

INDUSTRIES = ("Biotechnology", "Enterprise Software", "Financial Services", "Food", "Healthcare", "Hardware", "Media")
JOB_TITLES = ("Analyst", "CEO", "CFO", "Chief of Staff", "CTO", "Engineer", "Founder & CEO", "General Partner",
              "Head of Sales", "Investor", "Partner", "Product Manager", "VP Engineering")  # fmt: skip

SECTORS = ("Climate", "Deep Tech", "Fintech", "Health", "Marketplaces", "SaaS")
FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com")
INVALID_PHONES = ("12345", "call the office", "555-0100", "+1 (000) 000-0000", "n/a")


class City(NamedTuple):
    """A city with its details. `phone` takes a number of three digits."""

    name: str
    state: str | None
    country: str
    continent: str
    phone: str
    suffix: str
    street: str


CITIES = (
    City("San Francisco", "California", "United States", "North America", "+1 415 555 0{}", ".com", "{} Market Street"),
    City("New York", "New York", "United States", "North America", "+1 212 555 0{}", ".com", "{} Broadway, Suite 4"),
    City("Boston", "Massachusetts", "United States", "North America", "(617) 555-0{}", ".io", "{} Boylston Street"),
    City("London", "England", "United Kingdom", "Europe", "+44 20 7946 0{}", ".co.uk", "{} Old Street"),
    City("Berlin", None, "Germany", "Europe", "+49 30 23125 {}", ".de", "Torstraße {}"),
    City("Paris", "Île-de-France", "France", "Europe", "+33 1 99 00 1{}", ".fr", "{} rue de Rivoli"),
    City("Stockholm", None, "Sweden", "Europe", "+46 8 123 45 {}", ".se", "Sveavägen {}"),
    City("Madrid", None, "Spain", "Europe", "+34 91 123 4{}", ".es", "Calle de Alcalá {}"),
    City("Bengaluru", "Karnataka", "India", "Asia", "+91 80 4123 4{}", ".in", "{} MG Road"),
    City("Tokyo", None, "Japan", "Asia", "+81 3 1234 5{}", ".jp", "{} Shibuya"),
    City("Singapore", None, "Singapore", "Asia", "+65 6123 4{}", ".com", "{} Robinson Road"),
    City("Sydney", "New South Wales", "Australia", "Oceania", "+61 2 5550 1{}", ".com.au", "{} George Street"),
)
