//! The rooms of people's commands over the reference stores: change, delivery, replay, switch, retention. Deliveries are
//! attempted by hand, so that each case says what became of each attempt.

#[cfg(test)]
mod change;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod flying;
#[cfg(test)]
mod interposed;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod lacks;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod newer;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod replay_stale;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod slots;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod switch;
#[cfg(test)]
mod world;
