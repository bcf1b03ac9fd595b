import Testing

@testable import Commands

@Suite("Options before a command line")
struct PassthroughFlagsTests {
    @Test(
        arguments: [
            ("run debian ls -l --color", "run -- debian ls -l --color"),
            (
                "run -it -p8080:80 -eA=b debian -x",
                "run --interactive --tty --publish=8080:80 --env=A=b -- debian -x"
            ),
            ("run -itd x", "run --detach --interactive --tty -- x"),
            ("run -itp 80 x", "run --interactive --tty --publish=80 -- x"),
            ("run -p=80 x", "run --publish=80 -- x"), ("run --rm=false x", "run -- x"),
            ("run --rm --rm=0 x", "run -- x"), ("run --read-only=true x", "run --read-only -- x"),
            ("run --env -x x", "run --env=-x -- x"), ("run -- -x", "run -- -x"),
            ("run --sig-proxy=false x", "run --sig-proxy=false -- x"),
            ("run --name", "run --name"), ("run --help", "run --help"),
            ("run --nope x", "run --nope -- x"), ("run --rm=perhaps x", "run --rm=perhaps -- x"),
            ("--root /r create -v a:/b x y", "--root /r create --volume=a:/b -- x y"),
            ("exec -u bob c sh -c id", "exec --user=bob -- c sh -c id"),
            ("container run -it x -y", "container run --interactive --tty -- x -y"),
            (
                "--root /r container exec -i c ls -l",
                "--root /r container exec --interactive -- c ls -l"
            ),
            ("volume create --label a data", "volume create --label a data"),
            ("run container ls -l", "run -- container ls -l"),
            ("run x -- y", "run -- x -- y"), ("ps -a --quiet=true", "ps -a --quiet"),
        ])
    func `options end where the command line begins`(_ given: String, _ expected: String) {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(GoFlags.rewritten(words(given)) == words(expected))
    }
}
