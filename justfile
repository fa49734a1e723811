# Short names for the project's own commands; the commands themselves are in xtask/.

default: check

check:
    cargo xtask check

test *flags:
    cargo xtask test {{flags}}

tidy *flags:
    cargo xtask tidy {{flags}}

sim *flags:
    cargo xtask sim {{flags}}

bench *flags:
    cargo xtask bench {{flags}}

up *flags:
    cargo run -- up {{flags}}
