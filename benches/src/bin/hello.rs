//! The floor of `cli`: a program that says hello.

fn main() {
    println!("hello");
}
