import ArgumentParser
import Foundation
import Testing

@testable import Commands

@Suite("Command lines as Go reads them")
struct CommandFlagsTests {
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
            ("run --sig-proxy false x", "run --sig-proxy=true -- false x"),
            ("run --name", "run --name"), ("run --help", "run --help"),
            ("run --nope x", "run --nope -- x"), ("run --rm=perhaps x", "run --rm=perhaps -- x"),
            ("run -hweb x -h", "run --hostname=web -- x -h"),
            ("--root /r create -v a:/b x y", "--root /r create --volume=a:/b -- x y"),
            ("exec -u bob c sh -c id", "exec --user=bob -- c sh -c id"),
            ("container run -it x -y", "container run --interactive --tty -- x -y"),
            (
                "--root /r container exec -i c ls -l",
                "--root /r container exec --interactive -- c ls -l"
            ),
            ("run container ls -l", "run -- container ls -l"), ("run x -- y", "run -- x -- y"),
            ("top c -o pid", "top -- c -o pid"),
        ])
    func `options end where somebody else's command line begins`(
        _ given: String, _ expected: String
    ) {
        #expect(GoFlags.rewritten(words(given)) == words(expected))
    }

    @Test(
        arguments: [
            ("stop -t0 c", "stop --time=0 -- c"), ("stop c d -at=0", "stop --all --time=0 -- c d"),
            ("stop -t -1 c", "stop --time=-1 -- c"), ("restart -t0 c", "restart --time=0 -- c"),
            ("logs -n1 c", "logs --tail=1 -- c"),
            ("logs -ftn1 c", "logs --follow --timestamps --tail=1 -- c"),
            ("logs --follow=false c", "logs -- c"),
            ("logs --since -1h c", "logs --since=-1h -- c"),
            ("kill -sHUP c", "kill --signal=HUP -- c"),
            ("kill -s -c c", "kill --signal=-c -- c"), ("build -tapp .", "build --tag=app -- ."),
            ("build -qtapp -fFILE .", "build --quiet --tag=app --file=FILE -- ."),
            ("build -t=app -", "build --tag=app -- -"),
            ("ps -n1", "ps --last=1"), ("ps -fname=x", "ps --filter=name=x"),
            ("ps -aqfname=x", "ps --all --quiet --filter=name=x"), ("ps -a=true", "ps --all"),
            ("ps --all=0", "ps"), ("ps -a --quiet=true", "ps --all --quiet"),
            ("container list -aq", "container list --all --quiet"),
            ("images -fdangling=true", "images --filter=dangling=true"),
            ("image ls -qf=dangling=1 x", "image ls --quiet --filter=dangling=1 -- x"),
            ("volume ls -qfname=x", "volume ls --quiet --filter=name=x"),
            ("volume list -q", "volume list --quiet"),
            ("volume create -dlocal v -oa=b", "volume create --driver=local -o=a=b -- v"),
            ("volume create --label a data", "volume create --label=a -- data"),
            ("events -ftype=container", "events --filter=type=container"),
            ("commit -mfoo c", "commit --message=foo -- c"),
            ("commit -p=false c", "commit --no-pause -- c"),
            ("commit --no-pause=false c", "commit --pause -- c"),
            ("commit --no-pause -p c", "commit --pause -- c"),
            ("history -H=false x", "history --no-human -- x"),
            ("inspect -f{{.Id}} c", "inspect --format={{.Id}} -- c"),
            ("inspect -sf= c", "inspect --size --format  -- c"),
            ("update -m50m -c512 c", "update --memory=50m --cpu-shares=512 -- c"),
            ("load -qiFILE", "load --quiet --input=FILE"),
            ("import -mfoo TAR x", "import --message=foo -- TAR x"),
            ("rm -f=true c", "rm --force -- c"), ("rm -fv c", "rm --force --volumes -- c"),
            ("rm --force --force=F c", "rm -- c"), ("rm -- -c", "rm -- -c"),
            ("rm c -- -f", "rm -- c -f"), ("cp -aL - c:/x", "cp --archive --follow-link -- - c:/x"),
            ("start -a=false c", "start -- c"), ("stats --no-stream=true", "stats --no-stream"),
            ("attach --sig-proxy c", "attach --sig-proxy=true -- c"),
            ("build --pull always .", "build --pull=always -- ."),
            ("build --pull .", "build --pull=true -- ."),
            ("cache mount export id -oFILE", "cache mount export --output=FILE -- id"),
            ("cache prune -af", "cache prune --all --force"),
            ("builder prune -af", "builder prune --all --force"),
            ("system df -v=0", "system df"), ("image rm -f x", "image rm --force -- x"),
            ("stop -h", "stop --help"), ("-v", "--version"),
        ])
    func `a row of short options may end with one that has a value, and a switch may have one`(
        _ given: String, _ expected: String
    ) {
        #expect(GoFlags.rewritten(words(given)) == words(expected))
    }

    @Test(
        arguments: [
            ("stop -t", "stop --time"), ("stop -tx c", "stop --time=x -- c"),
            ("logs -fX c", "logs --follow -fX -- c"), ("stop c --nope -t0", "stop --nope -- c -t0"),
            ("rm -f=perhaps c", "rm --force=perhaps -- c"), ("container -a", "container -a"),
            ("nope -a", "nope -a"), ("help stop", "help stop"), ("", ""),
            ("---completion stop -- -t0", "---completion stop -- -t0"),
        ])
    func `what is wrong is left for the command to refuse`(_ given: String, _ expected: String) {
        #expect(GoFlags.rewritten(words(given)) == words(expected))
    }

    private func words(_ text: String) -> [String] {
        text.isEmpty
            ? [] : text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    }

    /// A command as the parser describes it.
    private struct Described: Decodable {
        struct Tool: Decodable { var command: Described }
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var kind: String
            var names: [Name]?
        }
        var commandName: String
        var aliases: [String]?
        var subcommands: [Described]?
        var arguments: [Argument]?
    }

    @Test func `the options of all commands are known, and no others`() throws {
        let tool = try JSONDecoder().decode(
            Described.Tool.self, from: Data(VitrineCommand._dumpHelp().utf8))
        var count = 0
        func check(_ command: Described, _ names: [String]) throws {
            if let inner = command.subcommands, !inner.isEmpty {
                for command in inner where command.commandName != "help" {
                    try check(command, names + [command.commandName])
                }
                return
            }
            count += 1
            let flags = CommandFlags(
                try #require(CommandOptions.of(names), "\(names) is not in the table"))
            var switches: Set<String> = []
            var valued: Set<String> = []
            var shorts: [Character: Set<String>] = [:]
            for argument in command.arguments ?? [] where argument.kind != "positional" {
                let given = argument.names ?? []
                let longs = given.filter { $0.kind == "long" }.map(\.name)
                let letters = given.filter { $0.kind == "short" }.map(\.name)
                let all = longs.isEmpty ? letters.map { "-\($0)" } : longs
                if argument.kind == "flag" {
                    switches.formUnion(all)
                } else {
                    valued.formUnion(all)
                }
                for letter in letters { shorts[Character(letter)] = Set(all) }
            }
            #expect(flags.names.switches == switches, "switches of \(names)")
            // Which holds for all, before their names.
            valued.insert("root")
            #expect(flags.names.valued == valued, "options with a value of \(names)")
            #expect(Set(flags.names.shorts.keys) == Set(shorts.keys), "short options of \(names)")
            for (letter, name) in flags.names.shorts {
                #expect(shorts[letter]?.contains(name) == true, "-\(letter) of \(names)")
            }
        }
        try check(tool.command, [])
        #expect(count > 90)
    }
}
