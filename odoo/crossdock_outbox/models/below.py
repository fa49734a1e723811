"""From a record that changed up to those that show it: an order is another one when one of its lines is.

The way goes through the columns that lead upwards, with their values before the transaction as well as now, so that
a line that was moved is told of both orders. Whoever is found stays found for the transaction, also where the change
comes back: the row then says what was known, which is better than none.
"""
from odoo.tools import SQL


def above(env, table, note, changed):
    """The records above those that changed, as (model, id) in the order of finding; their rules are noted as due."""
    ids_of = {}
    for model, id_ in changed:
        ids_of.setdefault(model, []).append(id_)
    found = {}
    for model, ids in ids_of.items():
        for link in table[model].links:
            for id_ in climbed(env, note, link, ids):
                note['shown'].add((link.rule_id, id_))
                # It was there before the transaction, and nothing of its own was written so far as is known.
                note['before'].setdefault(link.model, {}).setdefault(id_, {})
                found.setdefault((link.model, id_))
    return list(found)


def climbed(env, note, link, ids):
    """The ids at the upper end of a chain."""
    for model, column in link.chain:
        ids = leading(env, note, model, column, ids)
    return ids


def leading(env, note, model, column, ids):
    """Where a column of the records leads now, and where it led before the transaction."""
    if not ids:
        return []
    known = note['before'].get(model, {})
    led = [known[id_].get(column) for id_ in ids if known.get(id_)]
    env.cr.execute(SQL(
        'SELECT DISTINCT %s FROM %s WHERE id = ANY(%s)',
        SQL.identifier(column), SQL.identifier(env[model]._table), list(ids)))
    led.extend(id_ for id_, in env.cr.fetchall())
    return list(dict.fromkeys(id_ for id_ in led if id_))
