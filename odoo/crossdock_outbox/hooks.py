"""What runs once: after the installation and before the removal.

It must never fail because a business module is missing, and never leave a view behind that names a
method that is gone.
"""


def post_init(env):
    """Ship the rules and buttons of the models that are there, and let the administrator configure them."""
    env['crossdock.rule']._ship()
    env['crossdock.buttons']._ship()
    env['crossdock.epoch']._current()
    admin = env.ref('base.user_admin')
    # groups_id until Odoo 18, group_ids from 19.
    groups = 'group_ids' if 'group_ids' in admin._fields else 'groups_id'
    admin.write({groups: [(4, env.ref('crossdock_outbox.group_manager').id)]})
    for name in ('cron_push', 'cron_retention'):
        cron = env.ref('crossdock_outbox.' + name)
        # Odoo 17 counts a cron's calls down from 1; from 18 on there is no such field.
        if 'numbercall' in cron._fields:
            cron.numbercall = -1


def uninstall(env):
    """No rule, no capture: the tables may now be dropped while others still write."""
    env['crossdock.rule'].with_context(active_test=False).search([]).with_context(_force_unlink=True).unlink()
    env.flush_all()
    env.registry.clear_cache()
