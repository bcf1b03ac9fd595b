import Testing

@testable import Views

@Suite
struct LogThrottleTests {
    @Test func `a message is written once in a while`() {
        var throttle = LogThrottle()
        #expect(throttle.lines(for: "a", at: 100) == ["a"])
        #expect(throttle.lines(for: "a", at: 101) == [])
        #expect(throttle.lines(for: "b", at: 101) == ["b"])
        #expect(throttle.lines(for: "a", at: 159) == [])
        #expect(
            throttle.lines(for: "a", at: 160) == ["2 more errors of views were not written", "a"])
        #expect(throttle.lines(for: "a", at: 300) == ["a"])
    }

    @Test func `a disk that is gone does not fill another with lines`() {
        var throttle = LogThrottle()
        let lines = (0..<10_000).flatMap { throttle.lines(for: "object \($0)", at: 7) }
        #expect(lines.count == LogThrottle.messageLimit)
    }
}

@Suite
struct OpenFileBudgetTests {
    @Test(arguments: [(64, 32), (256, 128), (1024, 896), (20_000, 19_872)])
    func `some descriptors are left for others`(limit: Int, maximum: Int) {
        #expect(OpenFileBudget.maximum(underLimit: limit) == maximum)
    }
}
