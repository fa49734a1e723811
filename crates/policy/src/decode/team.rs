//! Teams: their table and their decoding.

use model::Owner;

use super::fields::Fields;
use super::table::{Field, Kind, Table};
use crate::specs::{Address, Contact, TeamSpec};
use crate::tree::Node;

/// `teams/NAME.yaml`.
pub(crate) static TEAM: Table = Table {
    name: "a team",
    doc: "Who answers for things, and how they are reached.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it answers for, in a sentence"),
        Field::required("contacts", Kind::List(&Kind::Table(&CONTACT), 1), "how it is reached, the first first"),
    ],
    exactly_one: &[],
};

static CONTACT: Table = Table {
    name: "a contact",
    doc: "A way to reach a team.",
    fields: &[
        Field::optional("email", Kind::Text, "an address of electronic mail"),
        Field::optional("phone", Kind::Text, "a telephone number"),
        Field::optional("url", Kind::Url, "a page, such as a channel or a roster"),
        Field::optional("note", Kind::Text, "for what or when: `nights and holidays`"),
    ],
    exactly_one: &[&["email", "phone", "url"]],
};

/// The team of a tree that was checked against [`TEAM`].
pub(crate) fn team(path: &str, name: Owner, root: &Node) -> TeamSpec {
    let fields = Fields::new(root, &TEAM);
    TeamSpec {
        path: path.to_owned(),
        name,
        summary: fields.string("summary"),
        contacts: fields.items("contacts").iter().filter_map(contact).collect(),
    }
}

fn contact(node: &Node) -> Option<Contact> {
    let fields = Fields::new(node, &CONTACT);
    let text = |name: &str| fields.string(name).map(|text| text.value);
    let at = text("email").map(Address::Email).or_else(|| text("phone").map(Address::Phone));
    Some(Contact { at: at.or_else(|| text("url").map(Address::Url))?, note: text("note") })
}
