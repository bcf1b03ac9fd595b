internal import ArgumentParser
internal import Engine

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "List the processes of a container.",
        discussion: """
            What follows the container are options of the host's ps (-ef).

              vitrine top web
              vitrine top web -o pid,pcpu,args
            """)
    @OptionGroup var store: StoreOptions
    @Argument(help: "The container, by name or ID.") var container: String
    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("Options of ps.", valueName: "option"))
    var options: [String] = []

    func run() throws {
        let engine = try store.engine(.existing)
        let processes = try engine.processes(
            of: try engine.container(container), options: options)
        var table = Table(processes.titles)
        for row in processes.rows { table.append(row) }
        Terminal.write(table.text)
    }
}
