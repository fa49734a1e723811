//! What a validator applies of a schema: all parts that look at the same value, and those that look at the values below.
//! [`Schema::parts`](super::schema::Schema::parts) is for people's paths; this leaves nothing out.

use serde_json::Value;

use super::schema::Schema;

impl Schema<'_> {
    /// The parts that are applied to the same value because of this one; nothing where a reference cannot be followed.
    pub(super) fn applied_beside(&self) -> Option<Vec<Self>> {
        let mut beside = Vec::new();
        for keyword in ["$ref", "$dynamicRef"] {
            if let Some(reference) = self.member(keyword) {
                beside.push(self.target(reference.as_str()?)?);
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            beside.extend(self.listed(keyword));
        }
        for keyword in ["not", "if", "then", "else"] {
            beside.extend(self.under(keyword));
        }
        beside.extend(self.named("dependentSchemas"));
        Some(beside)
    }

    /// What applies to a member of this name: what is declared of it, and of names like it.
    pub(super) fn applied_to_member(&self, name: &str) -> Vec<Self> {
        let declared = self.property(name);
        let others = if declared.is_some() { Vec::new() } else { self.applied_to_others() };
        let like_it = self.named("patternProperties");
        declared.into_iter().chain(like_it).chain(others).collect()
    }

    /// What applies to members that are declared nowhere.
    pub(super) fn applied_to_undeclared(&self) -> Vec<Self> {
        self.named("patternProperties").chain(self.applied_to_others()).collect()
    }

    fn applied_to_others(&self) -> Vec<Self> {
        ["additionalProperties", "unevaluatedProperties"].iter().filter_map(|keyword| self.under(keyword)).collect()
    }

    /// What applies to the names of members.
    pub(super) fn applied_to_names(&self) -> Vec<Self> {
        self.under("propertyNames").into_iter().collect()
    }

    /// How many places of a list it declares one by one.
    pub(super) fn places(&self) -> usize {
        self.member("prefixItems").and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// What applies to the item at a place of a list.
    pub(super) fn applied_to_item(&self, place: usize) -> Vec<Self> {
        let declared = self.listed("prefixItems").nth(place);
        let others = ["items", "unevaluatedItems"].iter().filter(|_| declared.is_none());
        let others: Vec<_> = others.filter_map(|keyword| self.under(keyword)).collect();
        declared.into_iter().chain(others).chain(self.under("contains")).collect()
    }

    /// Whether it says something of what no other part has looked at.
    pub(super) fn looks_at_the_rest(&self) -> bool {
        self.member("unevaluatedProperties").is_some() || self.member("unevaluatedItems").is_some()
    }

    fn target(&self, reference: &str) -> Option<Self> {
        self.referred(reference).or_else(|| self.anchored(reference.strip_prefix('#')?))
    }

    fn under(&self, keyword: &str) -> Option<Self> {
        self.member(keyword).map(|node| self.child(node, &[keyword]))
    }

    fn listed(&self, keyword: &'static str) -> impl Iterator<Item = Self> {
        let items = self.member(keyword).and_then(Value::as_array).into_iter().flatten().enumerate();
        items.map(move |(at, node)| self.child(node, &[keyword, &at.to_string()]))
    }

    fn named(&self, keyword: &'static str) -> impl Iterator<Item = Self> {
        let members = self.member(keyword).and_then(Value::as_object).into_iter().flatten();
        members.map(move |(name, node)| self.child(node, &[keyword, name]))
    }
}
