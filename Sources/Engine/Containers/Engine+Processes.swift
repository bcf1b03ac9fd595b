internal import Glibc
internal import LinuxIO
internal import Sandbox
package import Store

/// A table of processes, as ps(1) prints it.
package struct ProcessTable: Hashable, Sendable {
    package var titles: [String]
    package var rows: [[String]]
}

extension Engine {
    /// The processes of a container, as the host's `ps` shows them with these options.
    /// - Throws: ``EngineError`` for a container that does not run, and for options that ps refuses.
    package func processes(
        of record: ContainerRecord, options: [String]
    ) throws -> ProcessTable {
        let state = store.currentState(of: record)
        guard state.isRunning, state.processID > 0 else {
            throw EngineError(
                .failed, "container \"\(record.name)\" is not running",
                hint: "\"vitrine start \(record.name)\" starts it")
        }
        let members = Self.members(of: record.id, first: state.processID)
        let paths = RuntimeProbe.searchPath.map { "\($0)/ps" }
        guard let program = paths.first(where: HostDirectory.exists) else {
            return Self.ownTable(members)
        }
        let arguments = options.isEmpty ? ["-ef"] : options
        let output: ChildProcess.Output
        do throws(ChildProcess.StartError) {
            output = try ChildProcess.output(
                of: ChildProcess.Request(
                    program: program, arguments: arguments,
                    environment: ["PATH=\(ContainerRequest.defaultPath)", "LC_ALL=C"]),
                limit: 16 << 20)
        } catch {
            throw EngineError(.failed, "could not run ps: \(error)")
        }
        guard output.exit.isSuccess else {
            let words = String(decoding: output.standardError.prefix(2000), as: UTF8.self)
            let line = words.split(separator: "\n").first.map(String.init) ?? "it failed"
            throw EngineError(.invalid, "error running ps: \(line)")
        }
        guard
            let table = ProcessTable(
                parsing: String(decoding: output.standardOutput, as: UTF8.self), members: members)
        else {
            throw EngineError(
                .invalid, "Couldn't find PID field in ps output",
                hint: "add \"pid\" to the columns of -o")
        }
        return table
    }

    /// The processes of its control group, or, of one without, those that have its process namespace.
    private static func members(of id: ContainerID, first: Int32) -> Set<Int32> {
        let all = ProcessEntry.all()
        // Containers may have one process namespace together, and groups below their own.
        if let name = ProcessEntry.groups(of: first).flatMap(id.controlGroup(in:)) {
            return Set(all.filter { ProcessEntry.groups(of: $0)?.contains(name) == true })
        }
        let own = ProcessEntry.namespace(of: first)
        if let own, own != ProcessEntry.namespace(of: getpid()) {
            return Set(all.filter { ProcessEntry.namespace(of: $0) == own })
        }
        let group = ProcessEntry.groups(of: first)
        return Set(all.filter { ProcessEntry.groups(of: $0) == group })
    }

    private static func ownTable(_ members: Set<Int32>) -> ProcessTable {
        ProcessTable(
            titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
            rows: members.sorted().compactMap { ProcessEntry(of: $0)?.row })
    }
}

extension ContainerID {
    private var controlGroupPrefix: String { "vitrine-\(text)-" }

    /// The control group of the container's run under a lease.
    func controlGroup(of lease: LeaseID) -> String { controlGroupPrefix + lease.text }

    /// The one that is named in a list of `/proc/PID/cgroup`.
    func controlGroup(in list: String) -> String? {
        list.split { $0 == "/" || $0 == "\n" }.first { $0.hasPrefix(controlGroupPrefix) }
            .map(String.init)
    }
}

extension ProcessTable {
    /// The lines of ps for these processes.
    /// - Returns: nil when there is no column with their numbers.
    package init?(parsing text: String, members: Set<Int32>) {
        let lines = text.split(separator: "\n")
        guard let head = lines.first else { return nil }
        titles = head.split(separator: " ").map(String.init)
        guard let place = titles.firstIndex(of: "PID"), !titles.isEmpty else { return nil }
        let count = titles.count
        rows = lines.dropFirst().compactMap { line in
            // The last column, the command, has blanks; a number stands behind some.
            var fields = line.split(separator: " ", maxSplits: count - 1).map(String.init)
            if fields.count == count {
                fields[count - 1] = String(fields[count - 1].drop { $0 == " " })
            }
            guard fields.count == count, let number = Int32(fields[place]),
                members.contains(number)
            else { return nil }
            while fields[count - 1].last == " " { fields[count - 1].removeLast() }
            return fields
        }
    }
}
