import CFuse
import Testing
import VirtualFS

@testable import FuseDriver

@Suite struct NegotiationTests {
    /// All of the flags that the tests know of.
    private static let everything = UInt64.max

    private static func request(offering flags: UInt64) -> vitrine_init_in {
        vitrine_init_in(
            major: 7, minor: 45, max_readahead: 131_072,
            flags: UInt32(truncatingIfNeeded: flags),
            flags2: UInt32(truncatingIfNeeded: flags >> 32))
    }

    private static func reply() -> vitrine_init_out {
        var reply = vitrine_init_out()
        reply.minor = 38
        return reply
    }

    private static func outcome(
        _ profile: ConnectionProfile, offering flags: UInt64
    ) -> (reply: vitrine_init_out, negotiation: Negotiation) {
        var negotiation = Negotiation(profile: profile, request: request(offering: flags))
        var reply = reply()
        negotiation.amend(&reply)
        return (reply, negotiation)
    }

    @Test func `a writable connection asks for all it can use`() {
        let (reply, negotiation) = Self.outcome(.writable, offering: Self.everything)
        #expect(reply.flags == 1 << 18 | 1 << 28 | 1 << 29 | 1 << 30)
        #expect(reply.flags2 == 1 << 4 | 1 << 5)
        #expect(reply.max_stack_depth == 1)
        #expect(negotiation.capabilities.passthrough == .available)
        #expect(negotiation.capabilities.clearsSetIDs)
        #expect(negotiation.hasExtendedSetxattr)
        #expect(negotiation.capabilities.protocolMinor == 38)
    }

    @Test func `a read-only connection leaves passthrough alone`() {
        let (reply, negotiation) = Self.outcome(
            .readOnly(extendedAttributes: true), offering: Self.everything)
        #expect(reply.flags == 1 << 18)
        #expect(reply.flags2 == 0 && reply.max_stack_depth == 0)
        #expect(negotiation.capabilities.passthrough != .available)
    }

    @Test func `nothing is asked for that the kernel does not offer`() {
        let (reply, negotiation) = Self.outcome(.writable, offering: 0)
        #expect(reply.flags == 0 && reply.flags2 == 0 && reply.max_stack_depth == 0)
        #expect(!negotiation.capabilities.clearsSetIDs)
        #expect(!negotiation.capabilities.parallelDirectoryOperations)
        guard case .unavailable(let reason) = negotiation.capabilities.passthrough else {
            Issue.record("passthrough without a kernel that has it")
            return
        }
        #expect(reason.contains("kernel does not offer it"))
    }

    @Test func `the second word counts only if the kernel says that it is there`() {
        let withoutExtension = Self.everything & ~(1 << 30)
        let (reply, _) = Self.outcome(.writable, offering: withoutExtension)
        #expect(reply.flags2 == 0 && reply.max_stack_depth == 0)
        #expect(reply.flags & 1 << 30 == 0)
    }

    @Test func `libfuse is asked only for what the kernel is capable of`() {
        var info = fuse_conn_info()
        info.capable = UInt32(FUSE_CAP_READDIRPLUS) | UInt32(FUSE_CAP_WRITEBACK_CACHE)
        info.max_write = 4096
        var negotiation = Negotiation(profile: .writable, request: Self.request(offering: 0))
        negotiation.configure(&info)
        #expect(info.want == UInt32(FUSE_CAP_READDIRPLUS))
        #expect(info.max_write == 4096)
        #expect(negotiation.capabilities.readDirectoryPlus)
        #expect(!negotiation.capabilities.posixACL)
    }

    @Test(arguments: [
        (ConnectionProfile.writable, true, false),
        (.readOnly(extendedAttributes: true), false, true),
    ])
    func `each profile caches in its own way`(
        profile: ConnectionProfile, handsUmaskOver: Bool, invalidatesByTime: Bool
    ) {
        var info = fuse_conn_info()
        info.capable = UInt32.max
        info.max_write = UInt32.max
        var negotiation = Negotiation(profile: profile, request: Self.request(offering: 0))
        negotiation.configure(&info)
        #expect((info.want & UInt32(FUSE_CAP_DONT_MASK) != 0) == handsUmaskOver)
        #expect((info.want & UInt32(FUSE_CAP_AUTO_INVAL_DATA) != 0) == invalidatesByTime)
        #expect(info.want & UInt32(FUSE_CAP_WRITEBACK_CACHE) == 0)
        #expect(info.want & UInt32(FUSE_CAP_READDIRPLUS_AUTO) == 0)
        #expect(info.want & UInt32(FUSE_CAP_EXPORT_SUPPORT) == 0)
        #expect(info.max_write == 1 << 20)
    }
}
