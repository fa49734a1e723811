"""What one transaction has done to watched records, and the rows that follow from it at its end.

A transaction is one step: an event tells the difference between the values before it and those at its end.
What lies between was never visible outside and is not an event. The rows are written by a pre-commit
function, so that the payload has what was set after the state (`date_done`), and so that a failed commit
leaves nothing.

Odoo runs pre-commit functions not only at the commit but at every savepoint that flushes, and drops them
when one is rolled back. Therefore rows may be written early, and are put right by every later run in the
same transaction: rewritten, added or taken away. Values before the transaction are kept with the
post-commit data, which lives as long as the transaction and no savepoint touches. They stay true whatever
is rolled back, as the other side of the comparison is always read from the database.

It must never keep a recordset or an environment beyond the call.
"""
import logging

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

from . import rows

_logger = logging.getLogger(__name__)

KEY = 'crossdock_outbox'


def memory(cr):
    """What is known of this transaction, in plain values (the test framework copies it deeply).

    before:  {model: {id: {column: value}}}, or None for a record that this transaction made
    dirty:   {(model, id): None} in the order of the first touch; still to be looked at
    written: {(model, id)} that may have rows of this transaction
    last:    {(model, id): {rule id: payload}} of records about to be deleted
    """
    return cr.postcommit.data.setdefault(KEY, {'before': {}, 'dirty': {}, 'written': set(), 'last': {}})


def created(records):
    known = memory(records.env.cr)['before'].setdefault(records._name, {})
    for id_ in records._ids:
        known[id_] = None
    mark(records, records._ids)


def before_write(records, watch, vals_list):
    """Called with the values about to be written, while the row still has the old ones."""
    note = memory(records.env.cr)
    names = set().union(*vals_list)
    if watch.columns and not names.isdisjoint(watch.columns):
        remember(records, watch, records._ids)
        mark(records, records._ids)
    elif note['written']:
        # Not a trigger, but the payload of a row that was written early may have changed.
        mark(records, [id_ for id_ in records._ids if (records._name, id_) in note['written']])


def before_unlink(records, watch):
    """Keep the last values, as there will be nothing to read at the end."""
    ids = [id_ for id_ in records._ids if id_]
    if not ids:
        return
    remember(records, watch, ids)
    # Neither what is gone already nor what this transaction made was ever seen outside.
    known = memory(records.env.cr)['before'][records._name]
    ids = [id_ for id_ in ids if known.get(id_) is not None]
    if watch.deleted:
        last = memory(records.env.cr)['last']
        env = quiet(records.env)
        for rule in watch.rules:
            if rule.trigger == 'deleted':
                for id_, payload in rows.payloads(env, records._name, rule, ids).items():
                    last.setdefault((records._name, id_), {})[rule.id] = payload


def unlinked(records):
    mark(records, [id_ for id_ in records._ids if id_])


def remember(records, watch, ids):
    """Read the values before the transaction of those not known yet."""
    known = memory(records.env.cr)['before'].setdefault(records._name, {})
    unknown = [id_ for id_ in ids if id_ not in known]
    if unknown:
        known.update(read_columns(records.env.cr, records._table, watch.columns, unknown))


def mark(records, ids):
    """Have the records looked at when the transaction ends."""
    if not ids:
        return
    cr = records.env.cr
    dirty = memory(cr)['dirty']
    for id_ in ids:
        dirty.setdefault((records._name, id_))
    # The flag lives with the functions: what drops them drops it too.
    if not cr.precommit.data.get(KEY):
        cr.precommit.data[KEY] = True
        env = quiet(records.env)
        cr.precommit.add(lambda: settle(env))


def quiet(env):
    """No rights, no language, no default values: what a payload says does not depend on who wrote."""
    return api.Environment(env.cr, SUPERUSER_ID, {})


def settle(env):
    """Make the rows of this transaction match what it has done so far."""
    cr = env.cr
    cr.precommit.data[KEY] = False
    note = memory(cr)
    dirty, note['dirty'] = list(note['dirty']), {}
    # Other pre-commit functions may have run before; what they changed is looked at in the next round.
    env.flush_all()
    fired = decide_all(env, note, dirty)
    rows.match(env, dirty, fired, note)
    env.flush_all()


def decide_all(env, note, dirty):
    """{(model, id): [Rule]} of what happened to each record, in the order of the first touch."""
    table = env['crossdock.rule']._watches()
    ids_of = {}
    for name, id_ in dirty:
        ids_of.setdefault(name, []).append(id_)
    after = {}
    for name, ids in ids_of.items():
        if name in table:
            after[name] = read_columns(env.cr, env[name]._table, table[name].columns, ids)
    fired = {}
    for name, id_ in dirty:
        if name in table and id_ in note['before'].get(name, {}):
            before = note['before'][name][id_]
            now = after[name].get(id_)
            fired[name, id_] = [rule for rule in table[name].rules if happened(rule, before, now)]
    return fired


def happened(rule, before, now):
    """Whether a rule fires: `before` is None if the record was made, `now` if it is gone."""
    if rule.trigger == 'created':
        return before is None and now is not None
    if rule.trigger == 'deleted':
        return before is not None and now is None
    if now is None:
        return False
    if rule.trigger == 'reached':
        return any(str(now[name]) in rule.values and (before is None or differs(name, before, now))
                   for name in rule.watched)
    return before is not None and any(differs(name, before, now) for name in rule.watched)


def differs(name, before, now):
    """A column that was not looked at before the change (its rule is younger) counts as unchanged."""
    return name in before and before[name] != now[name]


def read_columns(cr, table, columns, ids):
    """{id: {column: value}} as the database has it; a missing id is a missing record."""
    found = {}
    names = sorted(columns)
    cr.execute(SQL(
        'SELECT %s FROM %s WHERE id = ANY(%s)',
        SQL(', ').join(SQL.identifier(name) for name in ['id', *names]), SQL.identifier(table), list(ids)))
    for id_, *values in cr.fetchall():
        found[id_] = dict(zip(names, values, strict=True))
    return found
