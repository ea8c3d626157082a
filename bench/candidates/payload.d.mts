export declare const MARK: string;
