internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct RmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove containers.",
        discussion: """
            A container goes with all that was changed in it. One that runs or is mounted is refused.

              vitrine rm web
              vitrine rm --force web       killed, or its mount taken away, first
              vitrine rm --volumes web     with the volumes that were made for it alone
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Also when it runs or is mounted.") var force = false
    @Flag(name: .shortAndLong, help: "Its anonymous volumes, too.") var volumes = false
    @Flag(name: .shortAndLong, help: .hidden) var link = false
    @Flag(name: .shortAndLong, help: "All containers.") var all = false
    @Argument(help: "Containers, by name or ID.") var containers: [String] = []

    func validate() throws {
        if link {
            throw ValidationError("there are no links between containers: leave out --link")
        }
        if containers.isEmpty && !all { throw ValidationError("rm needs a container") }
    }

    func run() throws {
        let engine = try store.engine(.existing)
        let names = try EachContainer.names(containers, all: all, on: engine) { _ in true }
        var failed = false
        for name in names {
            do {
                try engine.removeContainer(name, force: force, withVolumes: volumes)
                Terminal.write("\(name)\n")
            } catch let error as EngineError where error.code == .notFound && force {
                // As Docker: gone is gone.
                Terminal.failure(error)
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}
