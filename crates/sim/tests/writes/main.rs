//! Commands to Odoo, by the real adapter over HTTP, against the simulated 18 and 19: each makes true what it says, a repeat changes
//! nothing, and what was done without an answer is not done again. Waits are a fiftieth of what they are.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod bed;
#[cfg(test)]
mod names;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod production;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod words;
