"""What is removed from the outbox, in bounded batches.

It must never remove a row that nobody has acknowledged, with one exception that is logged, marked and told
to the reader: above the hard limit the oldest rows go, so that a reader that stays away for weeks fills no
disk. Writers are never held up for it.
"""
import logging

from odoo import api, models

_logger = logging.getLogger(__name__)

# LIMIT: rows of one run, so that its transaction, which holds back every reader's fence, stays short.
REMOVE_ROWS_MAX = 20_000
# From here on the log warns, while there is still time.
WARN_SHARE = 0.8

# Behind every reader; without a reader, what was pushed. Id 0 is what was acknowledged in an earlier epoch.
DONE = """
    (txid = 0
     OR CASE WHEN EXISTS (SELECT 1 FROM crossdock_cursor)
             THEN (txid, id) <= (SELECT c.txid, c.row_id FROM crossdock_cursor c ORDER BY c.txid, c.row_id LIMIT 1)
             ELSE state = 'sent' END)
"""


class CrossdockOutbox(models.Model):
    _inherit = 'crossdock.outbox'

    @api.model
    def _retain(self):
        """The cron's method: remove what is old and done, then what is above the limit."""
        settings = self.env['crossdock.settings']._one()
        removed = self._remove(
            DONE + " AND emitted_at < (now() AT TIME ZONE 'UTC') - make_interval(days => %s)",
            [settings.retention_days], REMOVE_ROWS_MAX)
        removed += self._keep_below(settings.rows_max)
        self.invalidate_model()
        if removed >= REMOVE_ROWS_MAX:
            self.env.ref('crossdock_outbox.cron_retention').sudo()._trigger()
        return removed

    @api.model
    def _keep_below(self, rows_max):
        """Above the hard limit, first what is done goes, however young; then the oldest, with an alarm."""
        self.env.cr.execute('SELECT count(*) FROM crossdock_outbox')
        count = self.env.cr.fetchone()[0]
        if count > rows_max * WARN_SHARE:
            _logger.warning('crossdock outbox: %s rows of at most %s; is the reader away?', count, rows_max)
        above = min(count - rows_max, REMOVE_ROWS_MAX)
        if above <= 0:
            return 0
        removed = self._remove(DONE, [], above)
        if removed < above:
            removed += self._lose(above - removed)
        return removed

    @api.model
    def _remove(self, where, params, limit):
        # INVARIANT: an array is made once. A subquery after IN may be run for each row, and each run skips what
        # is locked already, so that far more than the limit would go.
        self.env.cr.execute(
            """DELETE FROM crossdock_outbox WHERE id = ANY(ARRAY(
                   SELECT id FROM crossdock_outbox WHERE """ + where + """
                   ORDER BY txid, id LIMIT %s FOR UPDATE SKIP LOCKED))""",
            [*params, limit])
        return self.env.cr.rowcount

    @api.model
    def _lose(self, limit):
        """Remove the oldest rows though nobody has them, and mark up to where."""
        self.env.cr.execute(
            """WITH gone AS (
                   DELETE FROM crossdock_outbox WHERE id = ANY(ARRAY(
                       SELECT id FROM crossdock_outbox ORDER BY txid, id LIMIT %s FOR UPDATE SKIP LOCKED))
                   RETURNING txid, id)
               SELECT txid, id, count(*) OVER () FROM gone ORDER BY txid DESC, id DESC LIMIT 1""", [limit])
        txid, row_id, count = self.env.cr.fetchone() or (0, 0, 0)
        if count:
            _logger.error(
                'crossdock outbox: LOST %s rows that nobody acknowledged, up to transaction %s row %s: '
                'the hard limit was passed. The reader has to reconcile.', count, txid, row_id)
            self.env.cr.execute(
                """UPDATE crossdock_epoch
                   SET lost_rows = lost_rows + %s, lost_txid = %s, lost_id = %s, lost_at = now() AT TIME ZONE 'UTC'
                   WHERE id = (SELECT max(id) FROM crossdock_epoch)""", [count, txid, row_id])
            self.env['crossdock.epoch'].invalidate_model()
        return count
