"""How far each reader has come. A position moves forward only, and never past what could be read.

Retention trusts these rows: what lies behind every one of them may be removed.
"""
from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from .columns import BigInteger
from .outbox import FENCE, whole

# LIMIT: each reader holds back what may be removed; more of them is a mistake in somebody's loop.
CONSUMERS_MAX = 20
CONSUMER_CHARS_MAX = 64


class CrossdockCursor(models.Model):
    _name = 'crossdock.cursor'
    _inherit = 'crossdock.lists'
    _description = 'Crossdock readers'
    _rec_name = 'consumer'
    _log_access = False
    _list_columns = ('consumer', 'txid', 'row_id', 'acknowledged_at')

    consumer = fields.Char(required=True, readonly=True)
    txid = BigInteger(required=True, readonly=True)
    row_id = BigInteger(required=True, readonly=True)
    acknowledged_at = fields.Datetime(readonly=True)

    def init(self):
        self.env.cr.execute(
            'CREATE UNIQUE INDEX IF NOT EXISTS crossdock_cursor_consumer_index ON crossdock_cursor (consumer)')


class CrossdockOutbox(models.Model):
    _inherit = 'crossdock.outbox'

    @api.model
    def acknowledge(self, txid, id, epoch, consumer='crossdock'):  # noqa: A002, the name of the protocol
        """Everything up to and including this position is safe with the reader. Answers the stored position."""
        self._readers_only()
        position = whole(txid), whole(id)
        current = self.env['crossdock.epoch']._current(epoch, position[0])
        if epoch != current['name']:
            return {'epoch': current['name'], 'reset': True}
        self._refuse(position, consumer)
        self.env.cr.execute(
            """INSERT INTO crossdock_cursor AS known (consumer, txid, row_id, acknowledged_at)
               VALUES (%s, %s, %s, now() AT TIME ZONE 'UTC')
               ON CONFLICT (consumer) DO UPDATE
               SET (txid, row_id) = (
                       SELECT t, i FROM (VALUES (known.txid, known.row_id), (excluded.txid, excluded.row_id)) v(t, i)
                       ORDER BY t DESC, i DESC LIMIT 1),
                   acknowledged_at = excluded.acknowledged_at
               RETURNING txid, row_id""", [consumer, *position])
        stored = self.env.cr.fetchone()
        self.env['crossdock.cursor'].invalidate_model()
        return {'epoch': current['name'], 'reset': False, 'consumer': consumer, 'txid': stored[0], 'id': stored[1]}

    @api.model
    def _refuse(self, position, consumer):
        if not isinstance(consumer, str) or not 0 < len(consumer) <= CONSUMER_CHARS_MAX:
            raise ValidationError(_('A reader has a name of at most %s characters.', CONSUMER_CHARS_MAX))
        self.env.cr.execute(
            """SELECT %s < """ + FENCE + """, count(*) FILTER (WHERE consumer <> %s) FROM crossdock_cursor""",
            [position[0], consumer])
        readable, others = self.env.cr.fetchone()
        if not readable:
            raise ValidationError(_('The position cannot have been read yet.'))
        if others >= CONSUMERS_MAX:
            raise ValidationError(_('There are too many readers; a manager can remove those no longer in use.'))
