"""The one record of settings, readable by the module's managers only, as it holds the push secret.

It must never be read by the writer of an event apart from `_pushes`, which is cached.
"""
import base64
import binascii

from odoo import _, api, fields, models, tools
from odoo.exceptions import ValidationError

SECRET_PREFIX = 'whsec_'
# LIMIT: the lengths that Standard Webhooks allows for a symmetric secret.
SECRET_BYTES_MIN = 24
SECRET_BYTES_MAX = 64


def secret_bytes(secret):
    """The key of one `whsec_<base64>` secret; ValueError says what is wrong with it."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError('a secret begins with ' + SECRET_PREFIX)
    try:
        key = base64.b64decode(secret[len(SECRET_PREFIX):], validate=True)
    except binascii.Error as error:
        raise ValueError('what follows the prefix is not base64') from error
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError('a secret has %d to %d bytes' % (SECRET_BYTES_MIN, SECRET_BYTES_MAX))
    return key


class CrossdockSettings(models.Model):
    _name = 'crossdock.settings'
    _description = 'Crossdock settings'

    name = fields.Char(required=True)
    url = fields.Char('Crossdock address', help='Where the button of orders, transfers and production orders leads.')
    retention_days = fields.Integer('Days to keep', default=14, help='Rows that were acknowledged are kept this long.')
    rows_max = fields.Integer(
        'Rows at most', default=1_000_000,
        help='Above this many rows the oldest go, acknowledged or not. The loss is logged and told to the reader.')
    push_enabled = fields.Boolean('Push events', default=False)
    push_url = fields.Char('Push to', help='Gets one POST for each event.')
    push_secret = fields.Char(
        'Push secret', groups='crossdock_outbox.group_manager',
        help='whsec_ and base64. Several, parted by blanks, sign side by side while the receiver changes over.')
    push_attempts_max = fields.Integer('Attempts at most', default=20, help='After this many attempts a row is dead.')

    @api.constrains('url', 'push_url')
    def _check_addresses(self):
        for settings in self:
            for address in (settings.url, settings.push_url):
                if address and not address.startswith(('https://', 'http://')):
                    raise ValidationError(_('An address begins with https:// or http://.'))

    @api.constrains('push_secret', 'push_enabled', 'push_url')
    def _check_push(self):
        for settings in self:
            for secret in (settings.push_secret or '').split():
                try:
                    secret_bytes(secret)
                except ValueError as error:
                    raise ValidationError(_('The push secret cannot be used: %s.', error)) from error
            if settings.push_enabled and not (settings.push_url and settings.push_secret):
                raise ValidationError(_('To push, an address and a secret are needed.'))

    @api.constrains('retention_days', 'rows_max', 'push_attempts_max')
    def _check_limits(self):
        for settings in self:
            if min(settings.retention_days, settings.rows_max, settings.push_attempts_max) < 1:
                raise ValidationError(_('Days, rows and attempts are at least 1.'))

    def write(self, vals):
        result = super().write(vals)
        self._forget()
        return result

    def _forget(self):
        """Drop what is cached, now and again after the commit: another thread may fill it in between."""
        self.flush_model()
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    def _one(self):
        return self.env.ref('crossdock_outbox.settings').sudo()

    @api.model
    @tools.ormcache()
    def _pushes(self):
        return bool(self._one().push_enabled)
