//! The command line from outside: the real binary, on free ports and in folders of its own. Nothing here sleeps; what the
//! product does by itself is awaited by asking it.

#[cfg(test)]
mod authoring;
#[cfg(test)]
mod begin;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod capture;
#[cfg(test)]
mod first_hour;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod many;
#[cfg(test)]
mod odoo;
#[cfg(test)]
mod odoo_wrong;
#[cfg(test)]
mod outbox_rules;
#[cfg(test)]
mod partner;
#[cfg(test)]
mod product;
#[cfg(test)]
mod project;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod room;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod simulated_odoo;
#[cfg(test)]
mod surface;
#[cfg(test)]
mod test_event;
