import Testing

@Suite("The module graph")
struct ModuleGraphTests {
    @Test func `the table is in order, from the bottom up`() {
        var above: Set<String> = []
        let own = Set(ModuleGraph.modules.map(\.name))
        for module in ModuleGraph.modules {
            let unknown = module.imports.intersection(own).subtracting(above)
            #expect(unknown.isEmpty, "\(module.name) imports \(unknown), which stands below it")
            above.insert(module.name)
        }
    }

    @Test func `every directory of Sources is a module of the table`() throws {
        let directories = Set(
            try Repository.files(below: "Sources").compactMap { path in
                path.split(separator: "/").dropFirst().first.map(String.init)
            })
        let known =
            Set(ModuleGraph.modules.map(\.name)).union(ModuleGraph.boundaries.keys)
        #expect(directories == known)
    }

    @Test("a module imports what the table lets it", arguments: ModuleGraph.modules)
    func imports(of module: ModuleGraph.Module) throws {
        let isPure = ModuleGraph.pure.contains(module.name)
        let allowed = module.imports.union(
            isPure ? ModuleGraph.pureSystem : ModuleGraph.system)
        for file in try Repository.sources(of: module.name) {
            for found in file.imports where !allowed.contains(found.module) {
                Issue.record("\(file.path):\(found.line) imports \(found.module)")
            }
        }
    }

    @Test func `C modules are imported by one Swift module each, and internally`() throws {
        for file in try Repository.sources() {
            let module = file.path.split(separator: "/")[1]
            for found in file.imports {
                guard let owner = ModuleGraph.boundaries[found.module] else { continue }
                #expect(
                    owner == module && found.modifiers == ["internal"],
                    "\(file.path):\(found.line): \(found.module) is for \(owner), as internal import"
                )
            }
        }
    }

    @Test func `packages of others are imported by the module that wraps them`() throws {
        for file in try Repository.sources() {
            let module = file.path.split(separator: "/")[1]
            for found in file.imports {
                guard let owner = ModuleGraph.owners[found.module] else { continue }
                #expect(owner == module, "\(file.path):\(found.line)")
            }
        }
    }

    @Test func `Foundation stays where it is needed`() throws {
        for file in try Repository.sources() {
            let module = String(file.path.split(separator: "/")[1])
            let names = ["Foundation", "FoundationEssentials"]
            for found in file.imports where names.contains(found.module) {
                #expect(
                    ModuleGraph.foundation.contains(module),
                    "\(file.path):\(found.line) imports \(found.module)")
            }
        }
    }

    /// The compiler lets a module import whatever happens to be built; the manifest is what says in
    /// which order that is.
    @Test func `the manifest lets no module depend on more than the table does`() throws {
        let manifest = try #require(try Repository.text("Package.swift"))
        let declarations = manifest.matches(
            of: #/module\(\s*"(?<name>\w+)"(?:,\s*\[(?<list>[^\]]*)\])?/#)
        #expect(declarations.count >= ModuleGraph.modules.count - 1)
        let packages: Set<String> = ["GRDB", "ArgumentParser"]
        for declaration in declarations {
            let name = String(declaration.output.name)
            let module = try #require(
                ModuleGraph.modules.first { $0.name == name }, "\(name) is in the table")
            let declared = (declaration.output.list ?? "").matches(of: #/"(\w+)"/#).map {
                String($0.output.1)
            }
            let surplus = Set(declared).subtracting(module.imports).subtracting(packages)
            #expect(surplus.isEmpty, "\(name) need not depend on \(surplus)")
        }
    }
}
