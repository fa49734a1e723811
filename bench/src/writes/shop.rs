//! The shop: for each order the command that makes it and the one that confirms it, posted one behind the other.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Outcome, event};

use super::PRODUCTS;

/// The code of a product.
pub(super) fn code(number: u64) -> String {
    format!("PART-{:02}", number % PRODUCTS)
}

/// The quantities of an order's lines.
pub(super) fn quantities(order: u64) -> [u64; 2] {
    [1 + order % 7, 1 + order % 3]
}

/// Posts the commands of all orders. Each has to be taken.
pub(super) async fn post(address: &str, orders: u64) -> Outcome<()> {
    let key = event::key();
    for order in 1..=orders {
        for body in [wanted(order), sold(order)] {
            let body = body.to_string();
            let signature = event::sign(&key, body.as_bytes());
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            let head = format!(
                "POST /in/shop HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nx-signature: {signature}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            if !answer.starts_with("HTTP/1.1 202") {
                return Err(format!("order {order} was not taken: {answer}").into());
            }
        }
    }
    Ok(())
}

fn wanted(order: u64) -> Value {
    let line = |number: u64, quantity: u64| {
        json!({
            "external_id": format!("crossdock.order_{order}_line_{number}"),
            "values": {
                "product_id": { "find": { "default_code": code(order + number) } },
                "product_uom_qty": quantity.to_string(), "price_unit": "9.50",
            },
        })
    };
    let [first, second] = quantities(order);
    json!({
        "id": format!("wanted-{order}"), "type": "order.wanted", "order": order,
        "command": "upsert", "model": "sale.order", "external_id": format!("crossdock.order_{order}"),
        "values": { "partner_id": { "id": 7 }, "client_order_ref": format!("PO-{order}") },
        "lines": { "order_line": [line(1, first), line(2, second)] },
    })
}

fn sold(order: u64) -> Value {
    json!({
        "id": format!("sold-{order}"), "type": "order.sold", "order": order,
        "command": "confirm", "model": "sale.order", "record": { "external_id": format!("crossdock.order_{order}") },
    })
}
