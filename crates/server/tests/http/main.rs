//! The management API from outside, over HTTP, against the product in this process.

#[cfg(test)]
mod ahead;
mod answers;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod described;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod later;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod overtaken;
#[cfg(test)]
mod product;
#[cfg(test)]
mod remembered;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod versions;
