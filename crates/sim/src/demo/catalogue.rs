//! Invented people, places and goods of the demo world. Any likeness is chance.

/// A customer of the shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Customer {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) company: Option<&'static str>,
    pub(super) street: &'static str,
    pub(super) city: &'static str,
    pub(super) zip: &'static str,
    pub(super) country: &'static str,
}

/// Something that the shop sells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Article {
    pub(super) sku: &'static str,
    pub(super) title: &'static str,
    pub(super) cents: u64,
    pub(super) grams: u64,
}

const fn customer(
    name: (&'static str, &'static str),
    company: Option<&'static str>,
    street: &'static str,
    place: (&'static str, &'static str, &'static str),
) -> Customer {
    Customer { first: name.0, last: name.1, company, street, city: place.0, zip: place.1, country: place.2 }
}

const fn article(sku: &'static str, title: &'static str, cents: u64, grams: u64) -> Article {
    Article { sku, title, cents, grams }
}

/// Who orders.
pub(super) const CUSTOMERS: [Customer; 10] = [
    customer(("Ada", "Brightwell"), Some("Brightwell Hardware"), "Keizersgracht 12", ("Amsterdam", "1015 CS", "NL")),
    customer(("Joris", "Vandermeer"), None, "Coolsingel 40", ("Rotterdam", "3011 AD", "NL")),
    customer(("Ines", "Calloway"), Some("Calloway Cycles"), "Rue de la Paix 7", ("Brussels", "1000", "BE")),
    customer(("Tomas", "Lindqvist"), None, "Storgatan 3", ("Malmo", "211 42", "SE")),
    customer(("Greta", "Obermann"), Some("Obermann Werkzeuge"), "Hafenstrasse 19", ("Hamburg", "20457", "DE")),
    customer(("Paolo", "Fiorelli"), None, "Via Roma 88", ("Turin", "10121", "IT")),
    customer(("Maeve", "Donnelly"), Some("Donnelly & Daughters"), "Quay Street 5", ("Galway", "H91 F2C", "IE")),
    customer(("Henrik", "Aasen"), None, "Bryggen 21", ("Bergen", "5003", "NO")),
    customer(("Sofia", "Almeida"), Some("Almeida Marine"), "Rua do Ouro 14", ("Lisbon", "1100-063", "PT")),
    customer(("Viktor", "Novotny"), None, "Dlouha 9", ("Prague", "110 00", "CZ")),
];

/// What is ordered.
pub(super) const ARTICLES: [Article; 8] = [
    article("HX-100", "Hex key set", 1_290, 420),
    article("DR-220", "Cordless drill", 8_990, 1_650),
    article("BT-018", "Battery 18 V", 4_900, 640),
    article("SW-050", "Folding saw", 2_350, 310),
    article("TP-005", "Tape measure 5 m", 790, 230),
    article("LV-120", "Spirit level 120 cm", 3_120, 980),
    article("GL-010", "Work gloves", 640, 90),
    article("BX-600", "Tool box", 5_480, 3_200),
];

/// Where parcels are seen on their way.
pub(super) const DEPOTS: [&str; 6] = ["Utrecht", "Antwerp", "Duisburg", "Hamburg", "Lyon", "Milan"];
