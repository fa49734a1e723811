//! The checkers, one for each invariant of the design, in its words. Each looks and answers in sentences; none of them
//! changes anything. What can be seen at once is checked at once, the rest at checkpoints and at the end.

mod accounts;
mod arrivals;
mod attempts;
mod audit;
mod captured;
mod cursors;
mod drained;
mod durable;
mod ends;
mod lanes;
mod limits;
mod once;
mod replays;

pub use accounts::i11_accounts_balance;
pub use arrivals::{Arrived, i3_only_admitted_bytes_arrive};
pub use attempts::{i7_attempt_rows_agree, i7_attempts_keep_the_policy};
pub use audit::{i8_changes_are_audited, i8_people_find_their_actions};
pub use captured::{
    Owed, There, ToldOf, Truth, i13_events_are_commits_in_their_order, i13_the_account_is_right, i13_what_stayed_was_told,
    i13_what_stays_is_told, told,
};
pub use cursors::{Due, Passed, i6_cursors_follow_their_effects, i6_cursors_never_go_back, i6_policies_never_go_back};
pub use drained::{i10_backlog_drains, with_a_person};
pub use durable::{
    i1_accepted_is_durable, i1_later_bodies_are_there, i1_refused_is_not_kept, i1_retention_keeps_what_is_needed,
};
pub use ends::{
    i2_deadlines_are_kept, i2_every_event_ends_or_has_an_owner, i2_people_have_names, i2_removed_flows_make_nothing_wait,
    i2_retention_keeps_what_is_open,
};
pub use lanes::{LaneEvent, i5_lanes_keep_journal_order};
pub use limits::{Size, i9_everything_has_a_limit};
pub use once::{Snapshot, i4_answers_agree, i4_one_key_is_one_event};
pub use replays::{Refused, i5_refusals_have_a_newer_state, i5_replays_are_not_stale};
