"""A whole number of 64 bits, which Odoo has no field for.

Transaction ids pass 2^31 on a busy cluster: a plain Integer column must never hold one.
"""
from odoo import fields


class BigInteger(fields.Integer):
    """Stored as int8. Kept out of XML-RPC answers, which end at 31 bits; JSON carries it whole."""

    # The second name is that of Odoo 17.
    _column_type = ('int8', 'int8')
    column_type = _column_type
    aggregator = None
    group_operator = None
