//! The floor of `cli`: a program that prints hello.

fn main() {
    println!("hello");
}
