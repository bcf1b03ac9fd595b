import Foundation
import Glibc
import LinuxIO
import Synchronization
import Testing
import VirtualFS

@testable import Views

/// The host's power is cut at random moments: what was fsynced is there, and all else is as it was at
/// one moment since.
@Suite(.serialized, .enabled(if: LoopDisk.obstacle == nil, "\(LoopDisk.obstacle ?? "")"))
struct PowerCutTests {
    /// More with VITRINE_CUTS=300; the same again with the printed VITRINE_SEED.
    private static let cuts = number("VITRINE_CUTS") ?? 6
    private static let seed = number("VITRINE_SEED") ?? .random(in: .min ... .max)

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a power cut at a random moment loses nothing that was fsynced`() throws {
        print("VITRINE_SEED=\(Self.seed)")
        for round in 0..<Self.cuts {
            guard try cut(seed: Self.seed &+ round) else {
                Issue.record("VITRINE_SEED=\(Self.seed &+ round) VITRINE_CUTS=1")
                return
            }
        }
    }

    private func cut(seed: UInt64) throws -> Bool {
        let disk = try LoopDisk(sizeBytes: 192 << 20)
        var program: PowerCutProgram?
        var fixture: DurableFixture? = try DurableFixture(in: disk.mountPoint) { draft in
            try PowerCutProgram.draft(SimpleCalls(draft))
        }
        let power = Power()
        // The view is to go when the fixture drops it.
        guard var run = (fixture?.tree).map({ PowerCutProgram($0, power, seed: seed) }) else {
            return false
        }
        let delay = UInt32.random(in: 1_000..<400_000)
        let place = disk.mountPoint
        let cutter = Thread {
            usleep(delay)
            power.isFailing.store(true, ordering: .sequentiallyConsistent)
            try? LoopDisk.cutPower(place)
        }
        cutter.start()
        while run.step() {}
        while !cutter.isFinished { usleep(1000) }
        run.letGo()
        program = run
        try fixture?.drop()
        fixture?.close()
        try disk.restart()
        try fixture?.reboot(as: "boot-\(seed)")
        guard let reopened = (fixture?.tree).map({ SimpleCalls($0) }) else { return false }
        let problems = try program?.problems(of: reopened) ?? []
        for problem in problems.prefix(5) { Issue.record("\(problem)") }
        if !problems.isEmpty { for line in run.trace.suffix(30) { print(line) } }
        try fixture?.drop()
        fixture?.close()
        fixture = nil
        return problems.isEmpty
    }
}

/// Whether the disk's power is failing.
///
/// ext4's shutdown is no instant: an fsync that is under way meanwhile may return 0 with nothing on the
/// disk (as a bare pwrite(2) and fdatasync(2) show in one shutdown of 13). So an fsync counts only if
/// it returned before.
final class Power: Sendable {
    let isFailing = Atomic(false)
}

/// A program that knows what it may find after a power cut.
struct PowerCutProgram {
    /// A file and what it held.
    final class File {
        /// Contents, each of which was the whole one for a time.
        var versions: [[UInt8]]
        /// The first version that may be found.
        var durable: Int?
        /// Found as any mixture: it was truncated.
        var isLoose = false
        /// It took the place of another file: where it is found there, it is whole.
        var isReplacement = false
        init(_ content: [UInt8], durable: Int?) {
            versions = [content]
            self.durable = durable
        }
    }

    /// The names at one moment.
    struct Moment: Equatable {
        struct Entry: Equatable {
            var file: ObjectIdentifier
            var mode: UInt32
            var attribute: [UInt8]?
            var links: Int
            var isReplacement: Bool
        }
        var entries: [String: Entry] = [:]
        var directories: Set<String> = []
    }

    private struct Known {
        var file: File
        var mode: UInt32 = 0o644
        var attribute: [UInt8]?
    }

    private var calls: SimpleCalls?
    private let power: Power
    private var random: SeededGenerator
    private var names: [String: Known] = [:]
    private var directories: Set<String> = ["d"]
    /// Since the last fsync.
    private var moments: [Moment] = []
    /// All files, so that identities stay.
    private var files: [File] = []
    private(set) var trace: [String] = []
    private var counter: UInt8 = 0

    static let lower: [(path: String, content: [UInt8])] = [
        ("small", [UInt8](repeating: 200, count: 5000)),
        ("d/inner", [UInt8](repeating: 201, count: 20_000)),
        ("big", (0..<(3 << 20)).map { UInt8(202 + ($0 >> 17) % 40) }),
    ]

    static func draft(_ calls: SimpleCalls) throws {
        try calls.makeDirectory("d")
        for (path, content) in lower { try calls.write(path, content) }
    }

    init(_ view: WorkingTree, _ power: Power, seed: UInt64) {
        calls = SimpleCalls(view)
        self.power = power
        random = SeededGenerator(seed: seed)
        for (path, content) in Self.lower {
            let file = File(content, durable: 0)
            files.append(file)
            names[path] = Known(file: file)
        }
        moments = [moment]
    }

    /// The view is no longer used.
    mutating func letGo() { calls = nil }

    private var moment: Moment {
        var moment = Moment(directories: directories)
        let counts = Dictionary(
            names.values.map { (ObjectIdentifier($0.file), 1) }, uniquingKeysWith: +)
        for (path, known) in names {
            let identity = ObjectIdentifier(known.file)
            moment.entries[path] = Moment.Entry(
                file: identity, mode: known.mode, attribute: known.attribute,
                links: counts[identity] ?? 0, isReplacement: known.file.isReplacement)
        }
        return moment
    }

    private mutating func path() -> String {
        let known = ["a", "b", "c", "e", "small", "big", "inner"]
        let name = known.randomElement(using: &random) ?? ""
        let place = directories.sorted().randomElement(using: &random) ?? ""
        return Bool.random(using: &random) ? name : "\(place)/\(name)"
    }

    private mutating func known() -> String? { names.keys.sorted().randomElement(using: &random) }

    private mutating func bytes() -> [UInt8] {
        counter = counter % 190 + 1
        let count = [1, 100, 4096, 5000, 30_000, 200_000].randomElement(using: &random) ?? 1
        return [UInt8](repeating: counter, count: count)
    }

    /// - Returns: false once the power is gone.
    mutating func step() -> Bool {
        do throws(FileSystemError) {
            try operate()
            moments.append(moment)
            return true
        } catch {
            trace.append("failed with \(error)")
            return false
        }
    }

    private mutating func operate() throws(FileSystemError) {
        guard let calls else { return }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: try write(calls)
        case 30..<40: try rewrite(calls)
        case 40..<52: try replace(calls)
        case 52..<60: try remove(calls)
        case 60..<66: try link(calls)
        case 66..<76: try change(calls)
        case 76..<80:
            let name = "n\(directories.count)"
            guard directories.count < 6 else { return }
            trace.append("mkdir \(name)")
            try calls.makeDirectory(name)
            directories.insert(name)
        case 80..<84: try cut(calls)
        case 84..<86:
            trace.append("commit")
            try calls.view.commit(whole: true)
            if isPowerFailing { throw .inputOutput }
            for known in names.values { durable(known.file) }
            moments = []
        case 86..<87: calls.view.compact()
        default: try synchronize(calls)
        }
    }

    private func durable(_ file: File) {
        file.versions.removeFirst(file.versions.count - 1)
        file.durable = 0
        file.isLoose = false
    }

    /// Writes over a part of a file, or makes one.
    private mutating func write(_ calls: SimpleCalls) throws(FileSystemError) {
        let (path, bytes) = (path(), bytes())
        var content = names[path]?.file.versions.last ?? []
        let offset = content.isEmpty ? 0 : Int.random(in: 0...content.count, using: &random)
        trace.append("write \(path) \(bytes[0]) \(offset)+\(bytes.count)")
        content.replaceSubrange(
            offset..<min(content.count, offset + bytes.count), with: bytes)
        if let known = names[path] {
            // Noted before it is done: a write that the cut stops may be there in part.
            known.file.versions.append(content)
            try calls.write(path, bytes, at: UInt64(offset))
        } else {
            try calls.write(path, bytes)
            let file = File(bytes, durable: nil)
            files.append(file)
            names[path] = Known(file: file)
        }
    }

    /// Truncates a file and writes it anew.
    private mutating func rewrite(_ calls: SimpleCalls) throws(FileSystemError) {
        guard let path = known(), let file = names[path]?.file else { return }
        let bytes = bytes()
        trace.append("rewrite \(path) \(bytes[0]) \(bytes.count)")
        file.isLoose = true
        file.versions.append(bytes)
        try calls.write(path, bytes, flags: [.readWrite, .truncate])
    }

    /// Makes a new file and renames it over an old one, without an fsync.
    private mutating func replace(_ calls: SimpleCalls) throws(FileSystemError) {
        let (path, bytes) = (path(), bytes())
        trace.append("replace \(path) \(bytes[0]) \(bytes.count)")
        let file = File(bytes, durable: nil)
        files.append(file)
        try calls.write("new", bytes)
        names["new"] = Known(file: file)
        moments.append(moment)
        try calls.rename("new", to: path)
        if names[path] != nil { file.isReplacement = true }
        names[path] = names.removeValue(forKey: "new")
    }

    private mutating func remove(_ calls: SimpleCalls) throws(FileSystemError) {
        guard let path = known() else { return }
        trace.append("unlink \(path)")
        try calls.unlink(path)
        names[path] = nil
    }

    private mutating func link(_ calls: SimpleCalls) throws(FileSystemError) {
        let target = path()
        guard let source = known(), names[target] == nil else { return }
        trace.append("link \(source) \(target)")
        try calls.link(source, as: target)
        names[target] = names[source]
    }

    private mutating func change(_ calls: SimpleCalls) throws(FileSystemError) {
        guard let path = known(), let file = names[path]?.file else { return }
        let same = names.keys.filter { names[$0]?.file === file }
        if Bool.random(using: &random) {
            let mode = UInt32.random(in: 0...0o777, using: &random)
            trace.append("chmod \(path) \(String(mode, radix: 8))")
            try calls.changeMode(path, mode)
            for name in same { names[name]?.mode = mode }
        } else {
            let value = [UInt8.random(in: 0...255, using: &random)]
            trace.append("setxattr \(path) \(value)")
            try calls.setAttribute(path, value)
            for name in same { names[name]?.attribute = value }
        }
    }

    private mutating func cut(_ calls: SimpleCalls) throws(FileSystemError) {
        guard let path = known(), let file = names[path]?.file, let last = file.versions.last else {
            return
        }
        let size = Int.random(in: 0...last.count, using: &random)
        trace.append("truncate \(path) \(size)")
        file.isLoose = true
        file.versions.append(Array(last[..<size]))
        try calls.truncate(path, to: UInt64(size))
    }

    private var isPowerFailing: Bool {
        power.isFailing.load(ordering: .sequentiallyConsistent)
    }

    private mutating func synchronize(_ calls: SimpleCalls) throws(FileSystemError) {
        guard let path = known(), let file = names[path]?.file else { return }
        trace.append("fsync \(path)")
        try calls.synchronize(path)
        if isPowerFailing { throw .inputOutput }
        durable(file)
        // A file that was committed before costs no commit: then what came after is not durable.
        let committed = calls.view.durability?.journal
        if committed?.committed == committed?.appended { moments = [] }
    }

    // MARK: - After the cut

    /// What should not be as it is found.
    func problems(of calls: SimpleCalls) throws -> [String] {
        var found: [String: (inode: UInt64, mode: UInt32, links: UInt32, attribute: [UInt8]?)] = [:]
        var directories: Set<String> = []
        var contents: [String: [UInt8]] = [:]
        var pending = [""]
        while let directory = pending.popLast() {
            for name in try ViewListing.names(calls.view, calls.inode(directory)) {
                let text = String(decoding: name, as: UTF8.self)
                let path = directory.isEmpty ? text : "\(directory)/\(text)"
                let attributes = try calls.attributes(path)
                if attributes.type == .directory {
                    directories.insert(path)
                    pending.append(path)
                    continue
                }
                found[path] = (
                    attributes.serialNumber, attributes.mode & 0o7777, attributes.linkCount,
                    // Most have none.
                    try? calls.view.extendedAttribute(
                        Array("user.v".utf8), of: calls.inode(path))
                )
                contents[path] = try calls.read(path)
                if UInt64(contents[path]?.count ?? 0) != attributes.sizeBytes {
                    let count = contents[path]?.count ?? 0
                    return ["\(path): \(count) of \(attributes.sizeBytes) bytes"]
                }
            }
        }
        let candidates = moments.filter { moment in
            moment.directories == directories && moment.entries.count == found.count
                && moment.entries.allSatisfy { path, entry in
                    guard let other = found[path] else { return false }
                    return other.mode == entry.mode && other.attribute == entry.attribute
                        && Int(other.links) == entry.links
                }
        }
        var problems = [
            "the names are those of none of \(moments.count) moments: found "
                + "\(found.mapValues { "\($0)" }.sorted { $0.key < $1.key }) \(directories), last "
                + "\(moments.last?.entries.keys.sorted() ?? [])"
        ]
        // Several moments may have the same names, for different files.
        for moment in candidates.reversed() {
            problems = contents.keys.sorted().compactMap { path in
                guard let entry = moment.entries[path], let content = contents[path],
                    let file = files.first(where: { ObjectIdentifier($0) == entry.file })
                else { return "\(path) is no file that was made" }
                return problem(content, file, isReplacement: entry.isReplacement)
                    .map { "\(path): \($0)" }
            }
            if problems.isEmpty { break }
        }
        return problems
    }

    private func problem(
        _ content: [UInt8], _ file: File, isReplacement: Bool
    ) -> String? {
        let allowed = file.versions[(file.durable ?? 0)...]
        if allowed.contains(content) { return nil }
        let isLoose = file.isLoose || file.durable == nil && !isReplacement
        let sizes = allowed.map(\.count)
        if !isLoose, content.count < sizes.min() ?? 0 {
            return "\(content.count) bytes, expected one of \(sizes)"
        }
        if content.count > sizes.max() ?? 0 {
            return "\(content.count) bytes are too many: \(sizes)"
        }
        for (index, byte) in content.enumerated() {
            if allowed.contains(where: { index < $0.count && $0[index] == byte }) { continue }
            // What a file got anew is zero until it is written.
            let wasThere = allowed.first.map { index < $0.count } ?? false
            if byte == 0 && (isLoose || !wasThere) { continue }
            let wanted = allowed.map { index < $0.count ? Int($0[index]) : -1 }
            return "byte \(index) is \(byte), of \(wanted)"
        }
        return nil
    }
}
