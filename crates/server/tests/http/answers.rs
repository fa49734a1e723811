//! What destinations answer is read with the scope `bodies`; without it, one only learns that there is an answer.

use http::Method;
use serde_json::{Value, json};
use server::tasks::Tasks;

use crate::messages::warehouse;
use crate::product::{Answer, Product};

const ANSWER: &str = "no room for Ada Lovelace, Main Street 1";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_with_the_scope_bodies_alone() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    product.move_warehouse(&warehouse(&tasks, ANSWER).await).await;
    let delivery = product.stuck_delivery().await["id"].as_str().unwrap().to_owned();
    let paths = [
        format!("/api/v1/deliveries/{delivery}"),
        format!("/api/v1/trace/{delivery}"),
        "/api/v1/status".to_owned(),
        "/api/v1/deliveries".to_owned(),
    ];
    for (scopes, shown) in [(&["read"][..], false), (&["read", "operate"], false), (&["read", "bodies"], true)] {
        let token = format!("Bearer {}", product.token("somebody", scopes).await);
        let read = async |path: &str| -> Answer {
            product.ask(Method::GET, path).header("authorization", &*token).send().await.is(200)
        };
        for path in &paths {
            let quotes = shown && !path.ends_with("/deliveries");
            assert_eq!(read(path).await.text.contains(ANSWER), quotes, "{scopes:?} {path}");
        }
        let page: Value = read(&paths[0]).await.json();
        let hidden = (page["answers_hidden"].clone(), page["attempts"][0]["result"]["response"].clone());
        let expected = if shown { (Value::Null, json!(ANSWER)) } else { (json!([1]), json!("")) };
        assert_eq!(hidden, expected, "{scopes:?}");
        let says = if shown { ANSWER } else { "(answer hidden: the token lacks the scope bodies)" };
        for told in [&page["waits_for"], &read("/api/v1/status").await.json()["causes"][0]["advice"]] {
            assert!(told.as_str().unwrap().contains(says), "{scopes:?}: {told}");
        }
    }
    product.stop().await;
}
