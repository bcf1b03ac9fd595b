internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

/// Something wrong with a store.
package struct StoreProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The database's own check complains.
        case database = "database"
        case corruptDirectory = "corrupt-directory"
        case missingDirectory = "missing-directory"
        case corruptObject = "corrupt-object"
        case missingObject = "missing-object"
        case corruptBlob = "corrupt-blob"
        case missingBlob = "missing-blob"
        case brokenImage = "broken-image"
        case brokenLayer = "broken-layer"
        /// A file where none belongs; harmless.
        case strayFile = "stray-file"
    }
    package var kind: Kind
    /// What it is about: a digest, a path, an image.
    package var subject: String
    package var message: String

    package init(_ kind: Kind, _ subject: String, _ message: String) {
        self.kind = kind
        self.subject = subject
        self.message = message
    }

    /// Whether something is lost or wrong, rather than left over.
    package var isSerious: Bool { kind != .strayFile }
    package var description: String { "\(kind.rawValue) \(subject): \(message)" }
}

/// What a verification looked at and found.
package struct VerificationReport: Sendable {
    package var directories = 0
    package var objects = 0
    package var objectBytes: UInt64 = 0
    package var images = 0
    package var layers = 0
    package var problems: [StoreProblem] = []
    package init() {}
}

/// Reads the whole store and hashes everything again.
package struct Verifier {
    private let store: Store
    package init(_ store: Store) { self.store = store }

    /// - Parameter readsContent: false only checks that objects are there and have their size.
    package func run(readsContent: Bool = true) throws(StoreError) -> VerificationReport {
        var report = VerificationReport()
        try checkDatabase(&report)
        var wanted: [Digest: UInt64] = [:]
        let present = try checkDirectories(&report, wanted: &wanted)
        try checkReferences(&report, present: present, wanted: &wanted)
        try checkObjects(&report, wanted: wanted, readsContent: readsContent)
        try checkImages(&report)
        return report
    }

    private func checkDatabase(_ report: inout VerificationReport) throws(StoreError) {
        let lines = try store.read("the state for its check") { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check")
        }
        for line in lines where line != "ok" {
            report.problems.append(StoreProblem(.database, store.layout.database, line))
        }
    }

    /// Hashes every directory; notes the objects they refer to.
    private func checkDirectories(
        _ report: inout VerificationReport, wanted: inout [Digest: UInt64]
    ) throws(StoreError) -> Set<Digest> {
        var found = report
        var objects: [Digest: UInt64] = [:]
        var children: Set<Digest> = []
        let present = try store.read("the directories") { database in
            var present: Set<Digest> = []
            let rows = try Row.fetchCursor(database, sql: "SELECT id, encoding FROM directories")
            while let row = try rows.next() {
                guard let id = Digest(row["id"] as Data?) else { continue }
                present.insert(id)
                found.directories += 1
                let encoding = Array(row["encoding"] as Data)
                guard Digest(of: encoding) == id,
                    let directory = try? TreeEncoding.decodeDirectory(encoding)  // reported below
                else {
                    found.problems.append(
                        StoreProblem(.corruptDirectory, "\(id)", "its content has another digest"))
                    continue
                }
                for entry in directory.entries {
                    switch entry.node.content {
                    case .directory(let reference): children.insert(reference.id.digest)
                    case .file(let content): objects[content.digest] = content.sizeBytes
                    default: break
                    }
                }
            }
            return present
        }
        report = found
        wanted = objects
        for id in children.subtracting(present) {
            if id == Tree.empty.directory.id.digest { continue }
            report.problems.append(
                StoreProblem(.missingDirectory, "\(id)", "a directory refers to it"))
        }
        return present
    }

    private func checkReferences(
        _ report: inout VerificationReport, present: Set<Digest>, wanted: inout [Digest: UInt64]
    ) throws(StoreError) {
        var found = report
        var objects = wanted
        try store.read("the layers") { database in
            let chains = Set(
                try Data.fetchAll(database, sql: "SELECT chainID FROM layers")
                    .compactMap { Digest($0) })
            for row in try Row.fetchAll(database, sql: "SELECT * FROM layers") {
                found.layers += 1
                guard let stored = Digest(row["chainID"] as Data?),
                    let layer = try? LayerRecord(row: row)  // damaged rows are reported here
                else {
                    found.problems.append(StoreProblem(.brokenLayer, "?", "its row is damaged"))
                    continue
                }
                if layer.chainID.digest != stored {
                    found.problems.append(
                        StoreProblem(.brokenLayer, "\(stored)", "its chain ID is not its layers'"))
                }
                if let parent = layer.parent, !chains.contains(parent.digest) {
                    found.problems.append(
                        StoreProblem(.brokenLayer, "\(stored)", "its parent \(parent) is missing"))
                }
                if let recipe = layer.recipe { objects[recipe.digest] = recipe.sizeBytes }
            }
            for table in ["layers", "cache", "buildSteps", "leasedTrees"] {
                for data in try Data.fetchAll(database, sql: "SELECT tree FROM \(table)") {
                    let tree = try Tree(data)
                    let root = tree.directory.id.digest
                    if !present.contains(root), root != Tree.empty.directory.id.digest {
                        found.problems.append(
                            StoreProblem(.missingDirectory, "\(root)", "the root of \(tree.id)"))
                    }
                }
            }
        }
        report = found
        wanted = objects
    }

    private func checkObjects(
        _ report: inout VerificationReport, wanted: [Digest: UInt64], readsContent: Bool
    ) throws(StoreError) {
        let empty = FileContent.empty.digest
        for (digest, size) in wanted.sorted(by: { $0.key < $1.key }) where digest != empty {
            let path = store.layout.object(digest)
            do throws(Errno) {
                let file = try OwnedDescriptor(opening: path, .readOnly)
                let status = try FileStatus(of: file.rawValue)
                report.objects += 1
                report.objectBytes += status.sizeBytes
                if status.sizeBytes != size {
                    report.problems.append(
                        StoreProblem(
                            .corruptObject, "\(digest)",
                            "\(status.sizeBytes) bytes instead of \(size)"))
                } else if readsContent, try ObjectIngest.hash(file.rawValue).digest != digest {
                    report.problems.append(
                        StoreProblem(.corruptObject, "\(digest)", "its content has another digest"))
                }
            } catch .notFound {
                report.problems.append(
                    StoreProblem(.missingObject, "\(digest)", "a file of \(size) bytes"))
            } catch {
                report.problems.append(StoreProblem(.corruptObject, "\(digest)", "\(error)"))
            }
        }
        for index in UInt8.min...UInt8.max {
            let names =
                (try? HostDirectory.names(ofPath: store.layout.objectDirectory(index))) ?? []
            for name in names {
                let text = String(decoding: name, as: UTF8.self)
                if store.layout.digest(ofObject: text, in: index) == nil {
                    report.problems.append(
                        StoreProblem(
                            .strayFile, store.layout.objectDirectory(index) + "/" + text,
                            "not the name of an object"))
                }
            }
        }
    }

    private func checkImages(_ report: inout VerificationReport) throws(StoreError) {
        for image in try store.images() {
            report.images += 1
            for (digest, what) in [(image.id.digest, "config"), (image.manifestDigest, "manifest")]
            {
                do throws(StoreError) {
                    _ = try store.blob(digest)
                } catch {
                    report.problems.append(
                        StoreProblem(
                            error.code == .notFound ? .missingBlob : .corruptBlob, "\(digest)",
                            "the \(what) of image \(image.id.digest.short)"))
                }
            }
            do throws(StoreError) {
                let config = try store.config(of: image.id).config
                let layers = try store.layers(upTo: image.chainID)
                if layers.map(\.diffID) != config.diffIDs {
                    report.problems.append(
                        StoreProblem(
                            .brokenImage, "\(image.id)", "its layers are not those of its config"))
                }
            } catch {
                report.problems.append(
                    StoreProblem(.brokenImage, "\(image.id)", "\(error)"))
            }
        }
    }
}
