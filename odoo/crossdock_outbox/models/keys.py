"""Help with the API key of the integration user, which ends after at most 90 days for a plain user.

Only the caller's own keys are made or listed, and a key is answered once and stored nowhere. Old keys stay
valid: the reader changes over, and they end by themselves.
"""
import inspect
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError

# LIMIT: a loop that rotates with every start must not fill the table with live keys.
KEYS_MAX = 10
NAME_CHARS_MAX = 64


class CrossdockOutbox(models.Model):
    _inherit = 'crossdock.outbox'

    @api.model
    def rotate_key(self, name, days):
        """A new key for the caller: {"key", "name", "expiration_date"}. Odoo's own limits on the days hold."""
        self._readers_only()
        if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS_MAX:
            raise ValidationError(_('A key has a name of at most %s characters.', NAME_CHARS_MAX))
        if isinstance(days, bool) or not isinstance(days, int) or days < 1:
            raise ValidationError(_('A key is valid for a whole number of days, at least 1.'))
        if len(self.key_expiry()) >= KEYS_MAX:
            raise UserError(_('There are %s keys already; remove those no longer in use.', KEYS_MAX))
        keys = self.env['res.users.apikeys'].with_user(self.env.user)
        # Odoo 17 knows no expiration date; from 18 on it is asked for.
        if 'expiration_date' in inspect.signature(type(keys)._generate).parameters:
            until = fields.Datetime.now() + timedelta(days=days)
            key = keys._generate(None, name, until)
        else:
            until = None
            key = keys._generate(None, name)
        return {'key': key, 'name': name, 'expiration_date': moment(until)}

    @api.model
    def key_expiry(self):
        """The caller's keys, soonest end first: [{"name", "expiration_date"}], false for one without end."""
        self._readers_only()
        keys = self.env['res.users.apikeys'].sudo().search([('user_id', '=', self.env.uid)])
        known = 'expiration_date' in keys._fields
        listed = [{'name': key.name, 'expiration_date': moment(key.expiration_date if known else None)} for key in keys]
        return sorted(listed, key=lambda key: key['expiration_date'] or '9999')


def moment(value):
    return value.strftime('%Y-%m-%dT%H:%M:%SZ') if value else False
