import Engine
import Testing

@Suite("Caches and sizes as the command line names them")
struct CachePlaceTests {
    @Test func `a directory is named for reading and for writing`() throws {
        #expect(try CachePlace(source: "type=local,src=/a").directory == "/a")
        let target = try CachePlace(target: "type=local,dest=/b,mode=max")
        #expect(target.directory == "/b")
        #expect(target.mode == .max)
        #expect(try CachePlace(target: "dest=/b,type=local").mode == .min)
    }

    @Test(
        arguments: [
            ("type=registry,ref=a", EngineError.Code.unavailable), ("a/b", .unavailable),
            ("type=inline", .unavailable), ("type=gha", .unavailable), ("type=s3", .unavailable),
            ("type=other", .invalid), ("type=local", .invalid), ("type=local,dest=", .invalid),
            ("type=local,dest=/a,mode=most", .invalid), ("type=local,dest=/a,more=1", .invalid),
            ("type=local,dest=/a,x", .invalid), ("", .invalid),
        ] as [(String, EngineError.Code)])
    func `what is not to be had is refused`(_ text: String, _ code: EngineError.Code) {
        do {
            _ = try CachePlace(target: text)
            Issue.record("\(text) was taken")
        } catch {
            #expect((error as? EngineError)?.code == code)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("17", 17), ("1k", 1000), ("1.5MB", 1_500_000), ("10GB", 10_000_000_000),
            ("2GiB", 2 << 30), ("3tb", 3_000_000_000_000),
        ] as [(String, UInt64)])
    func `sizes have units of a thousand, or of 1024`(_ text: String, _ bytes: UInt64) throws {
        #expect(try ByteCount.parse(text) == bytes)
    }

    @Test(arguments: ["", "GB", "-1", "1x", "1e3", "1.2.3", "99999999999TB", "inf"])
    func `what is no size is refused`(_ text: String) {
        #expect(throws: EngineError.self) { try ByteCount.parse(text) }
    }

    @Test func `a budget is a size, a share of the disk, or none`() throws {
        let variable = CacheBudget.variable
        #expect(try CacheBudget(environment: [:]) == .percent(20))
        #expect(try CacheBudget(environment: [variable: ""]) == .percent(20))
        #expect(try CacheBudget(environment: [variable: "5%"]) == .percent(5))
        #expect(try CacheBudget(environment: [variable: "5MB"]) == .bytes(5_000_000))
        #expect(try CacheBudget(environment: [variable: "unlimited"]) == .unlimited)
        for text in ["0%", "101%", "much"] {
            #expect(throws: EngineError.self) { try CacheBudget(environment: [variable: text]) }
        }
    }
}
