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

from . import below, rows

_logger = logging.getLogger(__name__)

KEY = 'crossdock_outbox'


def memory(cr):
    """What is known of this transaction, in plain values (the test framework copies it deeply).

    before:  {model: {id: {column: value}}} of what was written, or None for a record that this transaction made
    dirty:   {(model, id): None} in the order of the first touch; still to be looked at
    shown:   {(rule id, id)} of records below which something changed
    written: {(model, id)} that may have rows of this transaction
    last:    {(model, id): {rule id: Made}} of records about to be deleted
    """
    return cr.postcommit.data.setdefault(
        KEY, {'before': {}, 'dirty': {}, 'shown': set(), 'written': set(), 'last': {}})


def created(records):
    known = memory(records.env.cr)['before'].setdefault(records._name, {})
    for id_ in records._ids:
        known[id_] = None
    mark(records, records._ids)


def before_write(records, watch, vals_list):
    """Called with the values about to be written, while the row still has the old ones."""
    note = memory(records.env.cr)
    names = watch.columns.intersection(set().union(*vals_list))
    if names:
        remember(records, names, records._ids)
        mark(records, records._ids)
    elif note['written']:
        # Not a trigger, but the payload of a row that was written early may have changed.
        mark(records, [id_ for id_ in records._ids if (records._name, id_) in note['written']])


def before_unlink(records, watch):
    """Keep the last values, as there will be nothing to read at the end."""
    ids = [id_ for id_ in records._ids if id_]
    if not ids:
        return
    remember(records, {link.chain[0][1] for link in watch.links}, ids)
    # Neither what is gone already nor what this transaction made was ever seen outside.
    known = memory(records.env.cr)['before'][records._name]
    ids = [id_ for id_ in ids if known.get(id_) is not None]
    if watch.deleted:
        last = memory(records.env.cr)['last']
        env = quiet(records.env)
        for rule in watch.rules:
            if rule.trigger == 'deleted':
                for id_, due in rows.payloads(env, records._name, rule, ids).items():
                    last.setdefault((records._name, id_), {})[rule.id] = due


def unlinked(records):
    mark(records, [id_ for id_ in records._ids if id_])


def remember(records, names, ids):
    """Read the values that these columns had before the transaction, where they are not known yet."""
    known = memory(records.env.cr)['before'].setdefault(records._name, {})
    unknown = [id_ for id_ in ids if id_ not in known or (known[id_] is not None and not names <= known[id_].keys())]
    if unknown:
        for id_, values in read_columns(records.env.cr, records._table, names, unknown).items():
            # What is known already is older.
            known[id_] = {**values, **known.get(id_, {})}


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
    table = env['crossdock.rule']._watches()
    after = read_after(env, table, note, dirty)
    shown = below.above(env, table, note, [key for key in dirty if has_changed(note, after, key)])
    dirty += [key for key in shown if key not in after]
    after.update(read_after(env, table, note, [key for key in shown if key not in after]))
    fired = {key: firing(table[key[0]].rules, note, key, after[key]) for key in dirty if key in after}
    rows.match(env, dirty, fired, note)
    env.flush_all()


def read_after(env, table, note, keys):
    """{(model, id): {column: value}}, or None for what is gone: the columns that were written or have to be known."""
    ids_of = {}
    for model, id_ in keys:
        if model in table:
            ids_of.setdefault(model, []).append(id_)
    after = {}
    for model, ids in ids_of.items():
        known = note['before'].get(model, {})
        names = table[model].reached.union(*(known[id_] for id_ in ids if known.get(id_)))
        now = read_columns(env.cr, env[model]._table, names, ids)
        after.update({(model, id_): now.get(id_) for id_ in ids})
    return after


def has_changed(note, after, key):
    model, id_ = key
    if key not in after or id_ not in note['before'].get(model, {}):
        return False
    before, now = note['before'][model][id_], after[key]
    if before is None or now is None:
        # Made and deleted in one transaction, it was never there.
        return before is not now
    return bool(differing(before, now))


def differing(before, now):
    """A column that was not written, as far as anyone looked (a rule may be younger), is unchanged."""
    return frozenset(name for name in before if name in now and before[name] != now[name])


def firing(rules, note, key, now):
    """The rules that fire, from what a record was before the transaction to what it is now; None if it is gone."""
    model, id_ = key
    if id_ not in note['before'].get(model, {}):
        return []
    before = note['before'][model][id_]
    changed = differing(before, now) if before and now else frozenset()
    return [rule for rule in rules
            if happened(rule, before, now, changed) or (now is not None and (rule.id, id_) in note['shown'])]


def happened(rule, before, now, changed):
    """Whether a rule fires by the record itself: `before` is None if it was made, `now` if it is gone."""
    if rule.trigger == 'created':
        return before is None and now is not None
    if rule.trigger == 'deleted':
        return before is not None and now is None
    if now is None:
        return False
    if rule.trigger == 'reached':
        return any(str(now[name]) in rule.values and (before is None or name in changed) for name in rule.watched)
    if before is None:
        return rule.trigger == 'saved'
    return not changed.isdisjoint(rule.watched)


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
