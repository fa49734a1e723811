//! The management API from outside, over HTTP, against the product in this process.

#[cfg(test)]
mod described;
#[cfg(test)]
mod product;
#[cfg(test)]
mod requests;
