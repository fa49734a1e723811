//! What a command ends with that could not go on with an Odoo.

use model::Code;
use policy::codes;

use crate::exit::Exit;

/// What a command ends with that could not go on for this.
pub(crate) fn exit(code: Code) -> Exit {
    match code {
        codes::ODOO_LOGIN => Exit::Usage,
        codes::ODOO_ACCESS
        | codes::ODOO_MODEL
        | codes::ODOO_FIELD
        | codes::ODOO_CLOCK
        | codes::ODOO_KEY_ENDS
        | codes::ODOO_NO_OUTBOX
        | codes::ODOO_NO_READER
        | codes::ODOO_OUTBOX_RULE
        | codes::ODOO_UNHEARD => Exit::Findings,
        codes::ODOO_TOO_OLD | codes::ODOO_REFUSES | codes::ODOO_KEY_PLACE | codes::ODOO_NO_ROTATION => Exit::Failed,
        _ => Exit::Unreachable,
    }
}
