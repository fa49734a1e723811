//! An Odoo that was put back as a whole or copied: its outbox says so or not, and what is known here is not taken for what is there.

use engine::board::Board;
use engine::intake::capture::reconcile::standing::Mode;
use serde_json::json;
use sim::odoo::Addon;

use crate::bed::{Bed, Kept, MEASURED, Product};

/// Whether the product is there while its Odoo is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum While {
    Running,
    Stopped,
}

fn is_anew(board: &Board) -> bool {
    board.pulls.all().iter().any(|(_, outlook)| outlook.anew.is_some())
}

/// What of an order was told, in its order.
async fn told(product: &Product, id: i64) -> Vec<String> {
    let events = product.events().await;
    events.into_iter().filter(|it| it.id == id).map(|it| it.reference.unwrap_or_default()).collect()
}

async fn put_back(addon: Addon, product_is: While) {
    let bed = Bed::new(MEASURED[0]).await;
    bed.odoo.set_addon(addon);
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let order = bed.order("before").await;
    product.wait_for(1).await;
    let backup = bed.odoo.back_up();
    for number in 0..20 {
        bed.write(order, json!({ "client_order_ref": format!("undone {number}") })).await;
    }
    product.wait_for(21).await;
    product.until("it is acknowledged", async || bed.odoo.acknowledged("crossdock/erp")).await;
    let product = match product_is {
        While::Running => {
            bed.odoo.put_back(&backup);
            product
        }
        While::Stopped => {
            let kept = product.stop().await;
            bed.odoo.put_back(&backup);
            Product::over(&bed, kept)
        }
    };
    product.until("that it is another one is told", async || is_anew(&product.board).then_some(())).await;
    bed.write(order, json!({ "client_order_ref": "after" })).await;
    let last = async || told(&product, order).await.pop().filter(|last| last == "after");
    product.until("what is written since is told", last).await;
    let settled = async || (!is_anew(&product.board)).then_some(());
    product.until("all is compared", settled).await;
    assert_eq!(product.board.gaps.all(), [], "{addon:?} {product_is:?}");
    let all = told(&product, order).await;
    assert_eq!(all[..3], ["before", "undone 0", "undone 1"], "{addon:?} {product_is:?} {all:?}");
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn a_cluster_that_was_put_back_is_noticed_and_compared_by_one_that_runs() {
    for addon in [Addon::Installed, Addon::Before] {
        put_back(addon, While::Running).await;
    }
}

#[tokio::test]
async fn a_cluster_that_was_put_back_is_noticed_and_compared_by_one_that_was_stopped() {
    for addon in [Addon::Installed, Addon::Before] {
        put_back(addon, While::Stopped).await;
    }
}

#[tokio::test]
async fn a_change_is_told_after_a_copy_took_the_place_of_the_original_though_its_row_was_told_before() {
    let bed = Bed::new(MEASURED[1]).await;
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let order = bed.order("sale").await;
    // The copy has the row, and not that it was acknowledged.
    let copy = bed.odoo.back_up();
    product.wait_for(1).await;
    bed.write(order, json!({ "client_order_ref": "done" })).await;
    product.wait_for(2).await;
    let product = {
        let kept = product.stop().await;
        bed.odoo.put_back(&copy);
        bed.odoo.restore();
        Product::over(&bed, kept)
    };
    let last = async || told(&product, order).await.pop().filter(|last| last == "sale");
    product.until("that it is as it was is told", last).await;
    assert_eq!(told(&product, order).await, ["sale", "done", "sale"]);
    let tally = product.reconcile(&bed, Mode::Count).await;
    assert_eq!((tally.gaps(), tally.same > 0), (0, true), "{tally:?}");
    product.end().await;
    bed.end().await;
}
