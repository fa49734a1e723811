//! The simulated Odoo against what was measured on running servers: golden exchanges, transactions, webhooks, the outbox,
//! faults and the business methods. Virtual time; no socket, except where the server itself is what is tested.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod business;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod served;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod writing;
