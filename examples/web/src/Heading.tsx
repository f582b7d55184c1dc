import { useEffect, useRef } from "react";

// A screen's heading. It takes the focus when the screen appears, so that a screen reader says where one is.
export function Heading({ children }: { children: React.ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
