//! What is there from the start: what every database has, with the ids that the measured ones had, and on request orders with
//! partners and products. Nothing here rings a webhook.

use std::sync::Arc;

use serde_json::json;

use super::env::Env;
use super::errors::Failure;
use super::keys;
use super::load;
use super::outbox::Addon;
use super::perform::{Held, Shared};
use super::records;
use super::rights::{SETTINGS, groups};
use super::schema::Kind;
use super::value::{Value, reference, second, text};

/// The administrator's login, and his password.
pub(super) const ADMINISTRATOR_LOGIN: &str = "admin";
/// Orders of one transaction.
const ORDERS_AT_ONCE: usize = 1_000;

/// Plants it. Answers the administrator's key.
pub(super) fn plant(shared: &Arc<Shared>) -> Result<String, Failure> {
    let mut held = Held::begin(shared, 1);
    let key = held.with(None, |env| {
        system(env)?;
        company(env)?;
        places(env)?;
        user(env, ADMINISTRATOR_LOGIN, ADMINISTRATOR_LOGIN, &groups().collect::<Vec<_>>())?;
        env.world.store.skip_ids("res.users", 4);
        keys::issue(env, 2, "crossdock", None)
    })?;
    held.commit();
    Ok(key)
}

/// Makes a user with his row.
pub(super) fn user(env: &mut Env<'_>, login: &str, password: &str, groups: &[&str]) -> Result<i64, Failure> {
    let is_first = login == ADMINISTRATOR_LOGIN;
    let partner =
        if is_first { 3 } else { env.add("res.partner", vec![("name", text(login)), ("active", Value::Bool(true))])? };
    let own: Vec<i64> = {
        let view = env.view();
        let is_own = |id: &i64| view.find("res.groups", *id).is_some_and(|it| groups.contains(&it.text("full_name")));
        view.all("res.groups").into_iter().filter(is_own).collect()
    };
    let name = if is_first { "Administrator" } else { login };
    let fields = vec![
        ("name", text(name)),
        ("login", text(login)),
        ("partner_id", Value::Ref(partner)),
        ("active", Value::Bool(true)),
        ("company_id", Value::Ref(1)),
        (env.version().pick("groups_id", "group_ids"), Value::Refs(own)),
    ];
    let id = env.add("res.users", fields)?;
    env.world.accounts.add(id, login, password, groups);
    Ok(id)
}

fn system(env: &mut Env<'_>) -> Result<(), Failure> {
    let schema = Arc::clone(&env.world.schema);
    for model in schema.models() {
        let id = env.add("ir.model", vec![("name", text(model.label)), ("model", text(model.name))])?;
        for field in model.fields.values() {
            let relation = match field.kind {
                Kind::Many2one(target) | Kind::One2many(target, _) | Kind::Many2many(target) => target,
                _ => "",
            };
            let fields = vec![
                ("name", text(field.name)),
                ("field_description", text(field.label)),
                ("model", text(model.name)),
                ("model_id", Value::Ref(id)),
                ("ttype", text(field.type_name)),
                ("relation", text(relation)),
                ("store", Value::Bool(field.is_stored)),
            ];
            let id = env.add("ir.model.fields", fields)?;
            let Kind::Selection(choices) = &field.kind else { continue };
            for (value, label) in choices {
                let fields = vec![("field_id", Value::Ref(id)), ("value", text(value)), ("name", text(label))];
                env.add("ir.model.fields.selection", fields)?;
            }
        }
    }
    modules(env)?;
    for name in groups() {
        let short = name.split('/').next_back().unwrap_or(name);
        env.add("res.groups", vec![("name", text(short)), ("full_name", text(name))])?;
    }
    let uuid = env.world.digits(32);
    env.add("ir.config_parameter", vec![("key", text("database.uuid")), ("value", text(&uuid))])?;
    Ok(())
}

fn modules(env: &mut Env<'_>) -> Result<(), Failure> {
    let addon = if env.world.outbox.addon == Addon::Missing { "uninstalled" } else { "installed" };
    let version = format!("{}.0.1.0", env.version().major());
    for (name, state) in [
        ("base", "installed"),
        ("sale_management", "installed"),
        ("stock", "installed"),
        ("purchase", "installed"),
        ("mrp", "installed"),
        ("delivery", "installed"),
        ("stock_delivery", "installed"),
        ("base_automation", "installed"),
        ("account", "installed"),
        ("maintenance", "installed"),
        ("website", "uninstalled"),
        ("crossdock_outbox", addon),
    ] {
        let installed = if state == "installed" { text(&version) } else { Value::Empty };
        let fields =
            vec![("name", text(name)), ("shortdesc", text(name)), ("state", text(state)), ("latest_version", installed)];
        env.add("ir.module.module", fields)?;
    }
    Ok(())
}

fn company(env: &mut Env<'_>) -> Result<(), Failure> {
    let own = env.version().pick("My Company", "My Company (San Francisco)");
    let vendor = env.version().pick("Vendor One", "Wood Corner");
    for (name, number, is_company) in [
        (own, "", true),
        ("OdooBot", "", false),
        ("Administrator", "", false),
        ("Public user", "", false),
        ("Portal User Template", "", false),
        ("Default User Template", "", false),
        ("ACME Corp", "CUST-1", false),
        (vendor, "VEND-1", true),
    ] {
        let fields = vec![
            ("name", text(name)),
            ("ref", text(number)),
            ("is_company", Value::Bool(is_company)),
            ("active", Value::Bool(true)),
        ];
        env.add("res.partner", fields)?;
    }
    env.world.store.skip_ids("res.partner", 11);
    env.add("res.currency", vec![("name", text("USD"))])?;
    let fields = vec![("name", text("My Company")), ("partner_id", Value::Ref(1)), ("currency_id", Value::Ref(1))];
    env.add("res.company", fields)?;
    let bot = vec![("name", text("OdooBot")), ("login", text("__system__")), ("partner_id", Value::Ref(2))];
    env.add("res.users", bot)?;
    env.world.accounts.add(1, "__system__", "", &[SETTINGS]);
    let unit = env.add("uom.uom", vec![("name", text("Units")), ("active", Value::Bool(true))])?;
    load::remember(env, "uom.uom", "uom.product_uom_unit", unit)?;
    env.add("account.tax", vec![("name", text("15%")), ("amount", Value::Float(15.0))])?;
    let product = json!({ "name": "Delivery", "type": "service", "list_price": 0.0 });
    let all: Vec<&str> = groups().collect();
    env.world.accounts.set_groups(1, &all);
    records::make(env, "product.product", product.as_object().unwrap_or(&serde_json::Map::new()))?;
    Ok(())
}

fn places(env: &mut Env<'_>) -> Result<(), Failure> {
    for (name, whole, usage, parent) in [
        ("Physical Locations", "Physical Locations", "view", 0),
        ("Partners", "Partners", "view", 0),
        ("Virtual Locations", "Virtual Locations", "view", 0),
        ("Vendors", "Partners/Vendors", "supplier", 2),
        ("Customers", "Partners/Customers", "customer", 2),
        ("Inter-company transit", "Physical Locations/Inter-company transit", "transit", 1),
        ("WH", "WH", "view", 0),
        ("Stock", "WH/Stock", "internal", 7),
        ("Input", "WH/Input", "internal", 7),
        ("Quality Control", "WH/Quality Control", "internal", 7),
        ("Output", "WH/Output", "internal", 7),
        ("Packing Zone", "WH/Packing Zone", "internal", 7),
        ("Scrap", "Virtual Locations/Scrap", "inventory", 3),
        ("Inventory adjustment", "Virtual Locations/Inventory adjustment", "inventory", 3),
        ("Production", "Virtual Locations/Production", "production", 3),
    ] {
        let fields = vec![
            ("name", text(name)),
            ("complete_name", text(whole)),
            ("usage", text(usage)),
            ("location_id", reference(parent)),
            ("company_id", Value::Ref(1)),
            ("active", Value::Bool(true)),
        ];
        env.add("stock.location", fields)?;
    }
    let warehouse = vec![
        ("name", text("My Company")),
        ("code", text("WH")),
        ("lot_stock_id", Value::Ref(8)),
        ("delivery_steps", text("ship_only")),
        ("reception_steps", text("one_step")),
        ("company_id", Value::Ref(1)),
    ];
    env.add("stock.warehouse", warehouse)?;
    for (name, code, prefix, from, to) in [
        ("Receipts", "incoming", "WH/IN/", 4, 8),
        ("Delivery Orders", "outgoing", "WH/OUT/", 8, 5),
        ("Internal Transfers", "internal", "WH/INT/", 8, 8),
        ("Manufacturing", "mrp_operation", "WH/MO/", 8, 8),
    ] {
        let fields = vec![
            ("name", text(name)),
            ("code", text(code)),
            ("sequence_code", text(prefix)),
            ("create_backorder", text("ask")),
            ("default_location_src_id", Value::Ref(from)),
            ("default_location_dest_id", Value::Ref(to)),
            ("warehouse_id", Value::Ref(1)),
        ];
        env.add("stock.picking.type", fields)?;
    }
    let carrier = vec![
        ("name", text("Standard delivery")),
        ("delivery_type", text("fixed")),
        ("tracking_url", text("https://track.example/?n=<shipmenttrackingnumber>")),
        ("product_id", Value::Ref(1)),
        ("active", Value::Bool(true)),
    ];
    env.add("delivery.carrier", carrier)?;
    Ok(())
}

/// Makes orders of one line for the partners that there are.
pub(super) fn populate(shared: &Arc<Shared>, orders: usize) {
    let mut left = orders;
    while left > 0 {
        let now = left.min(ORDERS_AT_ONCE);
        let mut held = Held::begin(shared, 2);
        let made = held.with(None, |env| (0..now).try_for_each(|_| order(env)));
        made.expect("new rows conflict with nothing");
        held.hooks();
        held.commit();
        left -= now;
    }
}

fn order(env: &mut Env<'_>) -> Result<(), Failure> {
    let price = Value::Float(10.0);
    let next = env.world.sequence("sale.order");
    let partner = if next.is_multiple_of(2) { 7 } else { 8 };
    let fields = vec![
        ("name", text(&format!("S{next:05}"))),
        ("state", text("draft")),
        ("partner_id", Value::Ref(partner)),
        ("partner_shipping_id", Value::Ref(partner)),
        ("client_order_ref", text(&format!("EXT-{next}"))),
        ("date_order", second(env.now())),
        ("amount_untaxed", price.clone()),
        ("amount_tax", Value::Float(1.5)),
        ("amount_total", Value::Float(11.5)),
        ("currency_id", Value::Ref(1)),
        ("invoice_status", text("no")),
        ("warehouse_id", Value::Ref(1)),
        ("company_id", Value::Ref(1)),
        ("user_id", Value::Ref(2)),
    ];
    let order = env.add("sale.order", fields)?;
    let line = vec![
        ("order_id", Value::Ref(order)),
        ("product_id", Value::Ref(1)),
        ("name", text("Delivery")),
        ("product_uom_qty", Value::Float(1.0)),
        (env.version().pick("product_uom", "product_uom_id"), Value::Ref(1)),
        ("price_unit", price.clone()),
        ("price_subtotal", price),
        ("state", text("draft")),
        ("company_id", Value::Ref(1)),
    ];
    env.add("sale.order.line", line)?;
    Ok(())
}
