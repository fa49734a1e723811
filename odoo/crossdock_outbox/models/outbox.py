"""The rows of the outbox, and `pull`, the one way for a reader to get at them.

A late committer must never be skipped: ids are given before the commit, so a reader that remembers the
highest id it saw loses whatever commits later with a lower one. `pull` hands out only rows whose transaction
id is below the oldest transaction still running (the fence), in the order of (transaction id, row id).

Nor may a payload be taken for the whole truth when it is not. Two transactions that change two lines of an order
side by side touch no row in common, so neither waits nor fails, and neither sees what the other did: the row that
comes second lacks the change of the first. Its `reading` is withheld, and the reader reads the record.
"""
import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, ValidationError

from .columns import BigInteger

# LIMIT: one answer; the reader asks again. 1,000 small payloads are about a megabyte.
PULL_ROWS_MAX = 2000
PULL_BYTES_MAX = 8 * 1024 * 1024
# LIMIT: counting further costs a scan for each poll and tells the reader nothing new.
BEHIND_MAX = 10_000

FENCE = 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint'

# The lower bound is for the index; who was running above it is in the list of the snapshot.
OVERLOOKS = """
    EXISTS (SELECT 1 FROM crossdock_outbox e
            WHERE e.res_model = o.res_model AND e.res_id = o.res_id AND e.txid < o.txid
              AND e.txid >= pg_snapshot_xmin(o.snapshot::pg_snapshot)::text::bigint
              AND NOT pg_visible_in_snapshot(e.txid::text::xid8, o.snapshot::pg_snapshot))
"""

ROWS = """
    SELECT txid, id, event_id, event_type, res_model, res_id, trigger,
           CASE WHEN reading IS NOT NULL AND NOT """ + OVERLOOKS + """ THEN reading END AS reading, payload,
           to_char(emitted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS emitted_at
    FROM crossdock_outbox o
    WHERE (txid, id) > (%s, %s) AND txid > 0 AND txid < """ + FENCE + """
    ORDER BY txid, id LIMIT %s
"""

COUNTS = """
    SELECT (SELECT count(*) FROM (
                SELECT 1 FROM crossdock_outbox
                WHERE (txid, id) > (%s, %s) AND txid > 0 AND txid < """ + FENCE + """ LIMIT %s) a) AS behind,
           (SELECT count(*) FROM (
                SELECT 1 FROM crossdock_outbox WHERE txid >= """ + FENCE + """ LIMIT %s) b) AS held_back,
           """ + FENCE + """ AS fence,
           to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now
"""


class CrossdockOutbox(models.Model):
    _name = 'crossdock.outbox'
    _inherit = 'crossdock.lists'
    _description = 'Crossdock outbox'
    _rec_name = 'event_type'
    _order = 'txid desc, id desc'
    # Rows are written by SQL in the writer's transaction; who and when is in the payload.
    _log_access = False
    _list_columns = ('emitted_at', 'event_type', 'res_model', 'res_id', 'state', 'attempts', 'last_error')

    event_id = fields.Char('Event id', required=True, readonly=True)
    event_type = fields.Char('Event type', required=True, readonly=True)
    # No foreign key: a row outlives its rule, and the writer pays for no look-up.
    rule_id = fields.Integer(readonly=True)
    res_model = fields.Char('Model', required=True, readonly=True)
    res_id = fields.Integer('Record id', required=True, readonly=True)
    trigger = fields.Char(readonly=True)
    payload = fields.Text(readonly=True)
    reading = fields.Char(readonly=True, help='The reading that the payload was made by, as its rule names it.')
    txid = BigInteger('Transaction', required=True, readonly=True)
    cluster = BigInteger(readonly=True)
    snapshot = fields.Char(readonly=True, help='What the transaction saw of others: xmin:xmax:running.')
    emitted_at = fields.Datetime('Emitted at', readonly=True)
    state = fields.Selection(
        [('new', 'Not pushed'), ('sent', 'Pushed'), ('dead', 'Given up')], 'Push', readonly=True, default='new')
    attempts = fields.Integer(readonly=True)
    last_error = fields.Char('Last error', readonly=True)
    next_try = fields.Datetime('Next try', readonly=True)

    def init(self):
        """Indexes that are used: by the reader, by the writer and the pusher, by retention."""
        for name, what in (
            ('cursor', '(txid, id)'),
            ('record', '(res_model, res_id, txid, id)'),
            ('push', "(txid, id) WHERE state = 'new'"),
            ('age', '(emitted_at)'),
        ):
            self.env.cr.execute(
                'CREATE INDEX IF NOT EXISTS crossdock_outbox_%s_index ON crossdock_outbox %s' % (name, what))

    @api.model
    def pull(self, after_txid=0, after_id=0, limit=500, epoch=None):
        """The rows after a cursor, with the cursor for the next call. See the README for the protocol."""
        self._readers_only()
        after = whole(after_txid), whole(after_id)
        current = self.env['crossdock.epoch']._current(epoch, after[0])
        answer = {'epoch': current['name'], 'reset': bool(epoch) and epoch != current['name']}
        if answer['reset']:
            after, found = (0, 0), []
        else:
            found = self._rows_after(after, max(1, min(whole(limit), PULL_ROWS_MAX)))
        end = (found[-1]['txid'], found[-1]['id']) if found else after
        answer.update(self._counts_after(end))
        answer.update(rows=found, next={'txid': end[0], 'id': end[1]}, has_more=answer['behind'] > 0)
        if after < (current['lost_txid'], current['lost_id']):
            upto = {'txid': current['lost_txid'], 'id': current['lost_id']}
            answer['lost'] = {'rows': current['lost_rows'], 'upto': upto}
        return answer

    @api.model
    def _rows_after(self, after, limit):
        self.env.cr.execute(ROWS, [*after, limit])
        rows, size = [], 0
        for row in self.env.cr.dictfetchall():
            size += len(row['payload'])
            if rows and size > PULL_BYTES_MAX:
                break
            row['payload'] = json.loads(row['payload'])
            rows.append(row)
        return rows

    @api.model
    def _counts_after(self, after):
        self.env.cr.execute(COUNTS, [*after, BEHIND_MAX, BEHIND_MAX])
        return self.env.cr.dictfetchone()

    @api.model
    def _readers_only(self):
        if not self.env.su and not self.env.user.has_group('crossdock_outbox.group_reader'):
            raise AccessError(_('Only members of the group "Crossdock: read the outbox" may do this.'))

    def action_try_again(self):
        """Put rows that were given up back to the end of their record's line."""
        if not self.env.su and not self.env.user.has_group('crossdock_outbox.group_manager'):
            raise AccessError(_('Only members of the group "Crossdock: configure the outbox" may do this.'))
        dead = self.filtered(lambda row: row.state == 'dead').sudo()
        dead.write({'state': 'new', 'attempts': 0, 'next_try': False, 'last_error': False})
        return True


def whole(number):
    """A whole number that is not negative, as positions and limits are."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        # For the author of a reader, not for a person at a screen: in English.
        raise ValidationError('A position or limit is a whole number, 0 or more.')
    return number
