//! The simulated Odoo against what was measured on running servers: golden exchanges, transactions, webhooks, the outbox,
//! faults and the business methods. Virtual time; no socket, except where the server itself is what is tested.

mod bed;
mod business;
mod faults;
mod golden;
mod hooks;
mod reading;
mod served;
mod transactions;
mod writing;
