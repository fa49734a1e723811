# What the module is and needs. It must depend on nothing but base: a company without manufacturing
# installs it too.
{
    'name': 'Crossdock Outbox',
    'summary': 'Writes an event in the same transaction as the change, for Crossdock to pull or to be pushed',
    'version': '1.1.2',
    'author': 'Crossdock',
    'category': 'Technical',
    'license': 'Other OSI approved licence',
    'depends': ['base'],
    'data': [
        'security/groups.xml',
        'security/ir.model.access.csv',
        'data/records.xml',
        'views/menus.xml',
    ],
    'post_init_hook': 'post_init',
    'uninstall_hook': 'uninstall',
    'application': True,
    'installable': True,
}
