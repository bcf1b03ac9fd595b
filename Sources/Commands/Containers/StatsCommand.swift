internal import ArgumentParser
internal import Engine
internal import Foundation
internal import ImageSpec
internal import Store

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what containers use.",
        discussion: """
            Anew every second, until Ctrl-C; those that run, unless others are named. On a terminal \
            the figures stay in their places.

              vitrine stats
              vitrine stats --no-stream web
              vitrine stats --no-stream --format '{{.Name}}: {{.CPUPerc}}'
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "Also those that do not run.") var all = false
    @Flag(help: "Once.") var noStream = false
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false
    @Argument(help: "Containers, by name or ID.") var containers: [String] = []

    private static let fields = [
        Field("Container", "CONTAINER", isColumn: false), Field("ID", "CONTAINER ID"),
        Field("Name", "NAME"), Field("CPUPerc", "CPU %"), Field("MemUsage", "MEM USAGE / LIMIT"),
        Field("MemPerc", "MEM %"), Field("NetIO", "NET I/O"), Field("BlockIO", "BLOCK I/O"),
        Field("PIDs", "PIDS"),
    ]
    /// As Docker's: processor time is that of a second.
    private static let interval: TimeInterval = 1

    func run() throws {
        let engine = try store.engine(.existing)
        for name in containers { _ = try engine.container(name) }
        let isLive = !noStream && Terminal.outputIsTerminal && !output.json
        if isLive { StandardStream.output.write("\u{1B}[2J") }
        var former: [ContainerID: ContainerStatistics] = [:]
        var rows = try look(engine, &former)
        if isLive { try show(rows) }
        repeat {
            Thread.sleep(forTimeInterval: Self.interval)
            rows = try look(engine, &former)
            if isLive { try show(rows) } else { try output.print(rows, fields: Self.fields) }
            // A reader who has gone ends it.
            guard case .complete = StandardStream.output.state else { return }
        } while !noStream
    }

    /// - Parameter former: what was seen the last time, and after it now.
    private func look(
        _ engine: Engine, _ former: inout [ContainerID: ContainerStatistics]
    ) throws -> [Row] {
        var now: [ContainerID: ContainerStatistics] = [:]
        defer { former = now }
        return try meant(engine).map { name, record in
            let statistics = engine.statistics(of: record)
            now[record.id] = statistics
            return row(name, record, statistics, former[record.id])
        }
    }

    /// Over what is on the terminal: each line takes away the rest of the one before, the last one what
    /// is below, and nothing flickers.
    private func show(_ rows: [Row]) throws {
        let lines = try output.text(rows, fields: Self.fields).visibleLines
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        StandardStream.output.write(
            "\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J")
    }

    /// Each with the name that it was asked for by.
    private func meant(_ engine: Engine) throws -> [(name: String, record: ContainerRecord)] {
        // One that is removed meanwhile is shown no more.
        if !containers.isEmpty {
            return try containers.compactMap { name in
                try engine.findContainer(name).map { (name, $0) }
            }
        }
        return try engine.containers().filter { all || $0.state.isRunning }.map { found in
            (noTruncation ? found.record.id.text : found.record.id.short, found.record)
        }
    }

    private func row(
        _ name: String, _ record: ContainerRecord, _ now: ContainerStatistics?,
        _ before: ContainerStatistics?
    ) -> Row {
        let head: [(String, JSONValue)] = [
            ("Container", .string(name)),
            ("ID", .string(noTruncation ? record.id.text : record.id.short)),
            ("Name", .string(record.name)),
        ]
        guard let now else {
            return Row(
                head + [
                    ("CPUPerc", "--"), ("MemUsage", "-- / --"), ("MemPerc", "--"),
                    ("NetIO", "--"), ("BlockIO", "--"), ("PIDs", "--"),
                ])
        }
        let memory = StatisticsText.percent(
            Double(now.memoryBytes), of: Double(now.memoryLimitBytes))
        return Row(
            head + [
                ("CPUPerc", .string(StatisticsText.processors(from: before, to: now))),
                (
                    "MemUsage",
                    .string(
                        StatisticsText.binary(now.memoryBytes) + " / "
                            + StatisticsText.binary(now.memoryLimitBytes))
                ), ("MemPerc", .string(memory)),
                ("NetIO", .string(StatisticsText.pair(now.receivedBytes, now.sentBytes))),
                ("BlockIO", .string(StatisticsText.pair(now.readBytes, now.writtenBytes))),
                ("PIDs", .string(String(now.processes))),
            ])
    }
}
