import Foundation
import Glibc
import Testing

/// A terminal of tmux.
final class Screen {
    static let obstacle: String? = {
        if let obstacle = Program.obstacle { return obstacle }
        return FileManager.default.isExecutableFile(atPath: "/usr/bin/tmux")
            ? nil : "there is no tmux to play a terminal"
    }()

    private let socket = "vitrine-\(UInt32.random(in: .min ... .max))"
    private let program: Program

    init(_ program: Program) throws {
        self.program = program
        try tmux("new-session -d -x 120 -y 40 'bash --norc --noprofile'")
        type("PS1='host>'; clear")
        try wait(for: "host>")
    }

    deinit { try? tmux("kill-server") }

    func type(_ text: String) {
        try? tmux("send-keys -l '\(text.replacing("'", with: "'\\''"))'")
        press("Enter")
    }

    func press(_ key: String) { try? tmux("send-keys \(key)") }

    func clear() throws {
        type("clear")
        usleep(300_000)
        try tmux("clear-history")
    }

    func resize(columns: Int, rows: Int) throws {
        try tmux("resize-window -x \(columns) -y \(rows)")
    }

    var shown: String {
        get throws { try program.run(shell: "tmux -L \(socket) capture-pane -p -S -").text }
    }

    func wait(for text: String, _ place: SourceLocation = #_sourceLocation) throws {
        for _ in 0..<2400 {
            if try shown.contains(text) { return }
            usleep(50_000)
        }
        Issue.record("\"\(text)\" is not on the screen:\n\(try shown)", sourceLocation: place)
        throw Program.Failure(message: "the walk-through stopped")
    }

    private func tmux(_ command: String) throws {
        // Its server stays, and would keep open what a test's process passes on by mistake.
        let result = try program.run(
            shell: """
                for file in /proc/self/fd/*; do
                    number=${file##*/}
                    ((number > 2)) && eval "exec $number>&-"
                done 2> /dev/null
                tmux -L \(socket) \(command)
                """)
        guard result.status == 0 else { throw Program.Failure(message: result.errors) }
    }
}

/// The walk-through as a person plays it at a terminal: run, copy in, change, leave, look, commit, run
/// again.
@Suite(.serialized, .enabled(if: Screen.obstacle == nil, "\(Screen.obstacle ?? "")"))
struct WalkThroughTests {
    @Test func `a build in a window that is made smaller leaves no copies of its display`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write(
            """
            FROM base
            RUN for i in $(seq 40); do echo a line of some length that says number $i; done; sleep 3

            """, to: "context/Dockerfile")
        let screen = try Screen(program)
        try screen.resize(columns: 80, rows: 12)
        try screen.clear()
        screen.type("\"$VITRINE\" build context; echo en''ded")
        try screen.wait(for: "number 40")
        try screen.resize(columns: 40, rows: 7)
        try screen.wait(for: "ended")
        // What went off the top when the window changed is out of reach.
        let shown = try screen.shown
        #expect(shown.components(separatedBy: "[+] Building").count <= 3, "\(shown)")
    }

    @Test func `a person makes an image of a changed container`() throws {
        let program = try Program()
        defer {
            _ = try? program.run("rm", "--all", "--force")
            program.remove()
        }
        try program.importBase()
        try program.write("a java\n", to: "jdk/bin/java")
        try program.write("a release\n", to: "jdk/release")
        let screen = try Screen(program)
        screen.type("\"$VITRINE\" run -i -t --network none --name work base sh")
        try screen.wait(for: "/ #")
        screen.type("mkdir /usr/local; echo made")
        try screen.wait(for: "\nmade")
        // From another terminal.
        #expect(try program.run("cp", "jdk", "work:/usr/local").status == 0)
        for line in [
            "JAVA_HOME=/usr/local/jdk", "PATH=\\$JAVA_HOME/bin:\\$PATH",
            "CLASSPATH=.:\\$JAVA_HOME/lib",
        ] {
            screen.type("echo \"export \(line)\" >> /etc/profile")
        }
        screen.type("cat /usr/local/jdk/release")
        try screen.wait(for: "a release")
        screen.press("C-c")
        screen.type("exit 130")
        #expect(try program.run("wait", "work").text == "130\n")
        usleep(500_000)
        screen.type("echo left with $?")
        try screen.wait(for: "left with 130")
        try screen.clear()
        screen.type("\"$VITRINE\" ps -a")
        try screen.wait(for: "Exited (130)")
        screen.type("\"$VITRINE\" diff work")
        try screen.wait(for: "A /usr/local/jdk/bin/java")
        let lines = try screen.shown
        for line in ["C /etc", "A /etc/profile", "C /usr", "A /usr/local", "A /usr/local/jdk"] {
            #expect(lines.contains(line + "\n"), "\(line)")
        }
        screen.type("\"$VITRINE\" commit -m 'with a JDK' work")
        try screen.wait(for: "sha256:")
        screen.type("\"$VITRINE\" images")
        try screen.wait(for: "<none>")
        let image = try program.run(
            "images", "-q", "--filter", "dangling=true"
        ).text.trimmingCharacters(in: .newlines)
        try screen.clear()
        screen.type(
            "\"$VITRINE\" run --rm --network none \(image) sh -lc 'echo $JAVA_HOME; cat $JAVA_HOME/release'"
        )
        try screen.wait(for: "/usr/local/jdk\na release")
        screen.type("\"$VITRINE\" rm work")
        try screen.wait(for: "work\nhost>")
    }
}
