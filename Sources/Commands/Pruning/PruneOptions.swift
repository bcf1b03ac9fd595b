internal import ArgumentParser
internal import Engine
internal import Foundation
internal import ImageSpec
internal import Store

/// What the `prune` commands have in common: they ask first, and print as Docker does what went.
struct PruneOptions: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Do not ask.") var force = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    /// Prunes, unless the answer to the warning is no. An answer that does not come is no, too.
    func perform(_ order: PruneOrder, warning: String) throws {
        // Where there is no store nothing has to be asked.
        let engine = try store.engine(.existing)
        guard force || Self.isConfirmed(warning) else { return }
        let report = try engine.prune(order)
        for failure in report.failures { Terminal.note("kept for the next time: \(failure)") }
        for name in report.keptCacheMounts {
            Terminal.note("kept: the cache mount \(name) is in use")
        }
        if json { return Terminal.write(report.json(order), indent: 2) }
        Terminal.write(report.text)
    }

    private static func isConfirmed(_ warning: String) -> Bool {
        Terminal.writeError("WARNING! \(warning)\nAre you sure you want to continue? [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased()
        return answer == "y" || answer == "yes"
    }
}

extension PruneReport {
    /// As Docker prints it.
    fileprivate var text: String {
        let images = images.map { removal in
            switch removal {
            case .untagged(let name): "untagged: \(name.familiarName)"
            case .deleted(let id): "deleted: \(id)"
            }
        }
        let parts = [
            ("Deleted Containers", containers.map(\.text)), ("Deleted Volumes", volumes),
            ("Deleted Images", images),
            ("Deleted build cache objects", cacheEntries.map { "\($0)" }),
        ]
        let size = HumanSize.decimal(Int64(clamping: freedBytes))
        return parts.filter { !$0.1.isEmpty }
            .map { "\($0.0):\n\($0.1.joined(separator: "\n"))\n\n" }.joined()
            + "Total reclaimed space: \(size)\n"
    }

    /// With the names of Docker's interface, a list for each kind that was asked for.
    fileprivate func json(_ order: PruneOrder) -> JSONValue {
        var object = JSONObject()
        if order.containers {
            object["ContainersDeleted"] = .array(containers.map { .string($0.text) })
        }
        if order.volumes != nil { object["VolumesDeleted"] = .array(volumes.map { .string($0) }) }
        if order.images != nil {
            object["ImagesDeleted"] = .array(
                images.map { removal in
                    switch removal {
                    case .untagged(let name):
                        .object(JSONObject([.init("Untagged", .string(name.familiarName))]))
                    case .deleted(let id):
                        .object(JSONObject([.init("Deleted", .string("\(id)"))]))
                    }
                })
        }
        if order.cache != nil {
            object["CachesDeleted"] = .array(cacheEntries.map { .string("\($0)") })
        }
        object["SpaceReclaimed"] = JSONValue(freedBytes)
        return .object(object)
    }
}
