//! The outbox of a simulated 18 and 19, read by the real adapter over HTTP: the form of what it tells, and the capture that follows
//! it, over both stores. Time runs a fiftieth as long.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod following;
#[cfg(test)]
mod hidden;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod restored;
