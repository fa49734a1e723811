"""The numbering that the transaction ids of the outbox belong to, and how a change of it is noticed.

A cursor is worth something only in the cluster that gave the ids: after a dump and restore elsewhere they
start again from a small number, and a reader that kept its cursor would skip everything. So the outbox has
an epoch. A new one begins when the cluster is another one, when the database is a copy, or when a stored
transaction id or the place of a reader lies in the future, as after the whole cluster was put back. It must never
begin silently: the reader is told `reset`, and whatever was not provably acknowledged comes again, as a name
without its values, so that it is told twice rather than not at all and nothing old is taken for the present.
"""
import logging
import uuid

from odoo import api, fields, models, tools

from .columns import BigInteger

_logger = logging.getLogger(__name__)

FACTS = """
    SELECT e.id, e.name, e.cluster, e.database_uuid, e.lost_rows, e.lost_txid, e.lost_id,
           coalesce(p.value, '') AS now_uuid,
           {cluster} AS now_cluster,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_txid,
           coalesce((SELECT txid FROM crossdock_outbox
                     WHERE txid <> coalesce(pg_current_xact_id_if_assigned()::text::bigint, -1)
                     ORDER BY txid DESC LIMIT 1), 0) AS max_txid
    FROM (SELECT 1) one
    LEFT JOIN LATERAL (SELECT * FROM crossdock_epoch ORDER BY id DESC LIMIT 1) e ON true
    LEFT JOIN ir_config_parameter p ON p.key = 'database.uuid'
"""


class CrossdockEpoch(models.Model):
    _name = 'crossdock.epoch'
    _inherit = 'crossdock.lists'
    _description = 'Crossdock epochs'
    _order = 'id desc'
    _list_columns = ('name', 'started_at', 'reason', 'lost_rows', 'lost_at')

    name = fields.Char('Epoch', required=True, readonly=True)
    cluster = BigInteger(readonly=True, help='The system identifier of the PostgreSQL cluster; 0 where it is hidden.')
    database_uuid = fields.Char(readonly=True)
    started_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    reason = fields.Char(readonly=True)
    lost_rows = BigInteger(readonly=True, help='Rows above the hard limit that were removed unacknowledged.')
    lost_txid = BigInteger(readonly=True)
    lost_id = BigInteger(readonly=True)
    lost_at = fields.Datetime(readonly=True)

    @api.model
    @tools.ormcache()
    def _cluster_sql(self):
        """The expression for the cluster's identity; the number 0 where this role may not ask.

        The right is looked up first: to ask without it would abort the writer's transaction.
        """
        self.env.cr.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
        readable = self.env.cr.fetchone()[0]
        return '(SELECT system_identifier FROM pg_control_system())' if readable else '0::bigint'

    @api.model
    def _current(self, epoch=None, txid=0):
        """The facts of the present epoch, after a new one was begun where that was due: for what is stored here, or for a
        reader that says how far it has come in which epoch."""
        facts = self._facts()
        reason = self._due(facts, epoch, txid)
        if reason:
            self._begin(facts, reason)
            facts = self._facts()
        return facts

    @api.model
    def _facts(self):
        self.env['crossdock.epoch'].flush_model()
        self.env.cr.execute(FACTS.format(cluster=self._cluster_sql()))
        return self.env.cr.dictfetchone()

    @api.model
    def _due(self, facts, epoch=None, txid=0):
        """Why a new epoch has to begin, or nothing."""
        if not facts['id']:
            return 'installed'
        if facts['cluster'] and facts['now_cluster'] and facts['cluster'] != facts['now_cluster']:
            return 'another cluster'
        # INVARIANT: no other transaction's id can reach what this snapshot knows as the next one.
        if facts['max_txid'] >= facts['next_txid']:
            return 'ids from the future'
        if facts['database_uuid'] != facts['now_uuid']:
            return 'another database'
        # A reader's place was below a fence, and no later snapshot has its end below that: so this cluster is an earlier
        # one, put back as a whole, with its identifier, its uuid and no row that would tell.
        if epoch == facts['name'] and txid >= facts['next_txid']:
            return 'a place from the future'
        return None

    @api.model
    def _begin(self, facts, reason):
        """Begin an epoch, numbering anew what no reader is known to have acknowledged.

        It takes the last epoch's row, so that of two readers one waits, fails to serialize and is tried again
        by Odoo; it then finds the epoch begun.
        """
        cr = self.env.cr
        if facts['id']:
            cr.execute('SELECT id FROM crossdock_epoch WHERE id = %s FOR UPDATE', [facts['id']])
            self._renumber(facts, reason)
            if reason == 'another database':
                # A copy for trying things out must not tell the receiver of the original what happens in it.
                self.env['crossdock.settings']._one().push_enabled = False
            cr.execute('UPDATE crossdock_cursor SET txid = 0, row_id = 0')
            self.env['crossdock.cursor'].invalidate_model()
            _logger.warning('crossdock outbox: a new epoch begins (%s); readers start again', reason)
        cr.execute(
            """INSERT INTO crossdock_epoch (name, cluster, database_uuid, started_at, reason,
                                            lost_rows, lost_txid, lost_id)
               VALUES (%s, %s, %s, now() AT TIME ZONE 'UTC', %s, 0, 0, 0)""",
            [uuid.uuid4().hex, facts['now_cluster'], facts['now_uuid'], reason])

    @api.model
    def _renumber(self, facts, reason):
        """Give rows of the old numbering the id 0 if they are acknowledged, else 1.

        No transaction has 1, so they come before all that is written in the new cluster, whether before anyone
        noticed or by transactions now running. Among themselves they come in the order of their row ids, which
        for the rows of one record is that in which they were written. Nobody can have read past them: this
        commit makes them and the epoch visible together.

        Where the numbering is the same one, in a copy within the cluster or in one that was put back, rows keep
        their numbers. No row of an older epoch keeps its reading: what it says may be older than what its reader has
        learnt from the original since, under a key that the reader has had already.
        """
        cr = self.env.cr
        provable = reason != 'ids from the future' and facts['cluster']
        if provable:
            cr.execute(
                """UPDATE crossdock_outbox SET txid = 0
                   FROM (SELECT txid AS to_txid, row_id AS to_id FROM crossdock_cursor
                         ORDER BY txid, row_id LIMIT 1) done
                   WHERE txid > 0 AND cluster = %s AND (txid, id) <= (to_txid, to_id)""", [facts['cluster']])
        if reason in ('another database', 'a place from the future'):
            cr.execute('UPDATE crossdock_outbox SET reading = NULL WHERE txid > 0 AND reading IS NOT NULL')
            return
        cr.execute(
            """UPDATE crossdock_outbox SET txid = 1, cluster = %s, reading = NULL
               WHERE txid > 0 AND (%s OR cluster <> %s)""",
            [facts['now_cluster'], not provable, facts['now_cluster']])
